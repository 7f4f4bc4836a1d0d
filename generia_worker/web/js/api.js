// Calls of the gateway. The session is a cookie that scripts cannot read; nothing is kept in storage.

import { knows, text } from "./texts.js";

const BASE = "/api/v1";

/**
 * What went wrong: by its code, or else in the gateway's words (`untold`). `fields` tells which field is at fault, and why,
 * in the same way: {code, message, untold}.
 */
export class Problem extends Error {
  constructor(status, body, seconds = 0) {
    const values = { n: seconds, status };
    super(inWords(body.code, values) || body.detail || text("error.unknown"));
    this.status = status;
    this.untold = Boolean(body.detail) && !inWords(body.code, values);
    this.fields = Object.fromEntries((body.errors ?? []).map((error) => [error.field, atField(error, values)]));
  }
}

function inWords(code, values) {
  return code && knows(`error.${code}`) ? text(`error.${code}`, values) : "";
}

function atField(error, values) {
  const words = inWords(error.code, values);
  return { code: error.code, message: words || error.message, untold: !words };
}

/** What is wrong with one field, before anything is sent. */
export function wrongField(field, message) {
  const problem = new Problem(422, {});
  problem.fields = { [field]: { code: "typed", message, untold: false } };
  return problem;
}

let loginNeeded = () => {};

/** Name what is to be done when a call says that nobody is logged in. */
export function onLoginNeeded(action) {
  loginNeeded = action;
}

/** Aborted once the person logs out: from then on nothing more is asked in their name. */
const session = new AbortController();

/** End the session, and with it all calls, which never return: the page is about to be loaded anew. */
export async function logOut() {
  session.abort();
  await fetch(`${BASE}/auth/logout`, { method: "POST" }).catch(() => {});
}

/** What is no JSON says nothing; one that was given up is none at all. */
function nothingReadable(error) {
  if (error.name === "AbortError") throw error;
  return null;
}

/** Make one call; returns the answer's JSON, or null without one. Raises Problem, or AbortError. */
export async function call(method, path, body, { signal, quiet = false, headers = {} } = {}) {
  let reply;
  let answer = null;
  try {
    reply = await fetch(BASE + path, {
      method,
      signal: signal ? AbortSignal.any([signal, session.signal]) : session.signal,
      headers: body === undefined ? headers : { ...headers, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (reply.status !== 204) answer = await reply.json().catch(nothingReadable);
  } catch (error) {
    if (session.signal.aborted) return new Promise(() => {});
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { code: "offline" });
  }
  if (reply.ok) return answer;
  if (reply.status === 401 && !quiet) loginNeeded();
  throw new Problem(reply.status, answer ?? { code: "status" }, Number(reply.headers.get("Retry-After")) || 1);
}

export const get = (path, options) => call("GET", path, undefined, options);
export const post = (path, body, options) => call("POST", path, body, options);

/** A path with its query. */
export function query(path, values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== undefined);
  return `${path}?${new URLSearchParams(given)}`;
}
