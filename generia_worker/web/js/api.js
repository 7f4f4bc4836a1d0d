// Calls of the gateway. The session is a cookie that scripts cannot read; nothing is kept in storage.

const BASE = "/api/v1";

/** What went wrong, as the gateway says it: `fields` tells which field is at fault, and why. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || "Something went wrong.");
    this.status = status;
    this.fields = Object.fromEntries((body.errors ?? []).map((error) => [error.field, error.message]));
  }
}

let loginNeeded = () => {};

/** Name what is to be done when a call says that nobody is logged in. */
export function onLoginNeeded(action) {
  loginNeeded = action;
}

/** Make one call; returns the answer's JSON, or null without one. Raises Problem, or AbortError. */
export async function call(method, path, body, { signal, quiet = false } = {}) {
  let reply;
  try {
    reply = await fetch(BASE + path, {
      method,
      signal,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The server cannot be reached. Are you offline?" });
  }
  const answer = reply.status === 204 ? null : await reply.json().catch(() => null);
  if (reply.ok) return answer;
  if (reply.status === 401 && !quiet) loginNeeded();
  throw new Problem(reply.status, answer ?? { detail: `The server answered ${reply.status}.` });
}

export const get = (path, options) => call("GET", path, undefined, options);
export const post = (path, body, options) => call("POST", path, body, options);

/** A path with its query. */
export function query(path, values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== undefined);
  return `${path}?${new URLSearchParams(given)}`;
}
