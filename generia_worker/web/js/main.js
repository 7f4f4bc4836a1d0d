// The page: who is there, which view stands at the address, and the frame around it.

import { get, onLoginNeeded, post } from "./api.js";
import { dollarsAreSimulated, h, renewMoments, told } from "./dom.js";
import { Frame } from "./frame.js";
import { allowReactions } from "./reactions.js";
import { current, go, route, start } from "./router.js";
import { onLanguage, parts, text } from "./texts.js";
import { WorldView } from "./world.js";

const root = document.getElementById("root");
let user = null;
let frame = null;
let shown = null;
let key = "";
let started = false;
/** Who may register, and the code of the invitation that one came with. */
let entrance = {};
/** Why somebody is asked to log in: what makes the text, in whatever language it is by then. */
let reason = null;

// What not every visit needs is loaded when it is wanted.
const creating = async () => (await import("./create.js")).createView({ user, created: () => frame.refresh() });
const world = (part) => ({
  key: ({ id }) => `world ${id}`,
  part,
  make: (params) => new WorldView(params, { user, changed: () => frame.refresh() }),
});
route("/", { make: creating });
route("/login", { instead: "/" });
route("/account", { make: async () => (await import("./account.js")).accountView(user) });
route("/worlds", { make: async () => (await import("./worlds.js")).worldsView() });
route("/worlds/:id", world("feed"));
route("/worlds/:id/posts/:post", world("feed"));
route("/worlds/:id/characters", world("characters"));
route("/worlds/:id/characters/:character", world("characters"));
route("/worlds/:id/about", world("about"));
route("/worlds/:id/receipt", world("receipt"));
route("/worlds/:id/tags/:tag", world("tag"));

/** Show what stands at the address; a view that can show its neighbour stays. */
async function render({ y }) {
  const found = current();
  if (!user) return;
  if (found?.view.instead) return go(found.view.instead, { replace: true });
  const params = { ...found?.params, part: found?.params.character ? "characters" : found?.view.part };
  const wanted = found?.view.key?.(params) ?? location.pathname;
  const stays = shown && key === wanted && shown.show;
  const opensPost = Boolean(params.post) || shown?.dialog;
  if (!stays && !(await replaceView(wanted, found, params))) return;
  const settled = Promise.resolve(shown.show?.(params)).catch(() => {});
  document.title = `${shown.title} · Generia`;
  frame.mark();
  if (y === null || (stays && opensPost)) return;
  const view = shown;
  await settled;
  if (view !== shown) return;
  scrollTo(0, y);
  // A screen reader goes on at the new heading.
  if (started && !document.querySelector("dialog[open]"))
    view.element.querySelector("h1")?.focus({ preventScroll: true });
  started = true;
}

/** Put another view in place; returns false when the person has gone elsewhere meanwhile. */
async function replaceView(wanted, found, params) {
  shown?.close?.();
  shown = null;
  key = wanted;
  const view = await Promise.resolve(found ? found.view.make(params) : nothingHere()).catch(unavailable);
  if (key !== wanted || !user || shown) {
    view.close?.();
    return false;
  }
  shown = view;
  frame.view.replaceChildren(view.element);
  return true;
}

function unavailable() {
  const again = h("button", { class: "button", onclick: () => location.reload() }, text("again"));
  return {
    element: h(
      "div",
      { class: "page" },
      h("h1", { tabindex: -1 }, text("page.notNow")),
      h("p", {}, text("page.notLoaded")),
      again,
    ),
    title: text("page.notNow"),
  };
}

function nothingHere() {
  const element = h(
    "div",
    { class: "page" },
    h("h1", { tabindex: -1 }, text("page.nothing")),
    h("p", {}, parts("page.nothingText", { link: h("a", { href: "/worlds" }, text("page.allWorlds")) })),
  );
  return { element, title: text("page.nothing") };
}

/** Somebody is logged in: show the page at the address where they are. */
function enter(person, y = 0) {
  shown?.close?.();
  user = person;
  frame = new Frame(person);
  root.replaceChildren(frame.element);
  shown = null;
  render({ y });
}

async function askToLogIn(message = null) {
  reason = message;
  shown?.close?.();
  shown = user = frame = null;
  const { loginView } = await import("./login.js");
  if (user || root.querySelector(".login")) return;
  const view = loginView((person) => enter(person), { message: reason?.() ?? "", ...entrance });
  document.title = `${view.title} · Generia`;
  root.replaceChildren(h("main", { id: "view" }, view.element));
}

/** A link that logs in or invites carries a secret: it leaves the address before it is used. */
function takeFromAddress(name) {
  const found = new RegExp(`^#${name}=(.+)$`).exec(location.hash)?.[1];
  if (!found) return "";
  history.replaceState(history.state, "", location.pathname + location.search);
  return decodeURIComponent(found);
}

async function logInByLink() {
  const token = takeFromAddress("login");
  if (token) await post("/auth/local", { token }, { quiet: true });
}

function showNothing() {
  const view = nothingHere();
  document.title = `${view.title} · Generia`;
  root.replaceChildren(h("main", { id: "view", tabindex: -1 }, view.element));
}

/** The page speaks another language: everything is made anew, where one is. */
function speak() {
  document.querySelector("body > .skip").textContent = text("skip");
  if (user) {
    enter(user, null);
    root.querySelector(".language").focus();
  } else if (root.querySelector(".login")) {
    root.replaceChildren();
    askToLogIn(reason);
  }
}

async function begin() {
  document.querySelector("body > .skip").textContent = text("skip");
  onLoginNeeded(() => askToLogIn(() => text("page.sessionEnded")));
  onLanguage(speak);
  start(render);
  setInterval(() => document.hidden || renewMoments(), 60_000);
  try {
    const invitation = takeFromAddress("invitation");
    await logInByLink();
    const session = await get("/auth/session");
    entrance = { registration: session.registration, invitation };
    allowReactions(session.reactions);
    dollarsAreSimulated(session.simulated);
    if (session.user) enter(session.user);
    else if (current()) askToLogIn();
    else showNothing();
  } catch (error) {
    askToLogIn(() => told(error));
  }
}

begin();
