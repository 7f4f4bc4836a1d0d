// Likes and comments: the buttons under a post, and what others said of it where it is open.

import { call, get, query } from "./api.js";
import { content, h, icon, moment, told } from "./dom.js";
import { field, sends } from "./forms.js";
import { number, text } from "./texts.js";

const PAGE = 50;
const MOST = 2000;
/** How soon an open post is asked for new comments: soon after one came, less and less often while none does. */
const SOON_MS = 3000;
const SELDOM_MS = 15_000;
let there = false;

/** Say whether there are any here; told by the session. */
export function allowReactions(allowed) {
  there = allowed;
}

/** Whether there are any here. */
export const reactionsAllowed = () => there;

const pathOf = (post) => `/worlds/${post.world_id}/posts/${post.post_id}`;

/** The buttons of a post: like it, see what is said of it. Nothing where there are no reactions. */
export function reactions(post) {
  if (!there) return null;
  const comments = h("a", { class: "react", href: pathOf(post) }, icon("speech"), h("span", {}));
  label(comments, post.comments_count);
  const problem = h("span", { class: "react-problem", role: "alert" });
  return h("div", { class: "reactions" }, like(post, problem), comments, problem);
}

function label(link, total) {
  link.setAttribute("aria-label", text("post.comments", { n: total }));
  link.querySelector("span").textContent = number(total);
}

/** Let every place where a post is shown say how many comments it has now. */
function count(post, total) {
  post.comments_count = total;
  const links = document.querySelectorAll(`a.react[href="${CSS.escape(pathOf(post))}"]`);
  for (const link of links) label(link, total);
}

function like(post, problem) {
  const count = h("span", {});
  const button = h("button", { class: "react", type: "button" }, icon("heart"), count);
  const show = () => {
    count.textContent = number(post.likes_count);
    button.setAttribute("aria-pressed", String(Boolean(post.liked)));
    button.setAttribute("aria-label", text("post.likes", { n: post.likes_count }));
  };
  const take = (found) => {
    Object.assign(post, found);
    show();
  };
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    const before = { liked: Boolean(post.liked), likes_count: post.likes_count };
    // Shown at once; the answer has the last word.
    take({ liked: !before.liked, likes_count: before.likes_count + (before.liked ? -1 : 1) });
    button.setAttribute("aria-busy", "true");
    problem.replaceChildren();
    try {
      take(await call(before.liked ? "DELETE" : "PUT", `${pathOf(post)}/like`));
    } catch (error) {
      take(before);
      problem.replaceChildren(told(error));
    } finally {
      button.setAttribute("aria-busy", "false");
    }
  });
  show();
  return button;
}

/** What is said of a post that is open, as it is said, and room to say something. */
export function comments(post, language) {
  if (!there) return null;
  const known = new Map();
  const list = h("ol", { class: "comments" });
  const note = h("p", { class: "quiet", role: "status" });
  const heard = h("p", { class: "unseen", role: "status" });
  const more = h("button", { class: "button", type: "button", hidden: true }, text("comments.more"));
  const read = (offset, options) => get(query(`${pathOf(post)}/comments`, { limit: PAGE, offset }), options);
  let last = Promise.resolve();
  /** One after the other: where a comment is put relies on those that were read before it. */
  const inTurn = (step) => {
    const mine = last.then(step);
    last = mine.catch(() => {});
    return mine;
  };
  /** Put comments in their places: before those of them that are here already, else at the end. */
  const place = (found, fresh = false) => {
    let next = null;
    for (const comment of found.toReversed()) {
      const item = known.get(comment.id) ?? list.insertBefore(entry(comment, language, fresh), next);
      known.set(comment.id, item);
      next = item;
    }
  };
  const load = async () => {
    more.setAttribute("aria-busy", "true");
    try {
      const page = await read(known.size);
      place(page.comments);
      count(post, page.total);
      more.hidden = page.comments.length === 0 || known.size >= page.total;
      note.replaceChildren(page.total === 0 ? text("comments.none") : "");
    } catch (error) {
      note.replaceChildren(told(error));
      more.hidden = false;
    } finally {
      more.setAttribute("aria-busy", "false");
    }
  };
  const said = (comment) => {
    if (!known.has(comment.id)) count(post, post.comments_count + 1);
    // What came before it is read first: it stands at the end.
    if (more.hidden) place([comment]);
    note.replaceChildren(more.hidden ? "" : text("comments.later"));
  };
  const section = h(
    "section",
    { class: "comments-part", "aria-label": text("comments.name") },
    h("h2", { class: "part-title" }, text("comments.name")),
    list,
    note,
    more,
    heard,
    write(post, (comment) => inTurn(() => said(comment))),
  );
  let seen = 0;
  /** Show what others have said meanwhile; returns whether they have. */
  const look = async () => {
    // Who has not read to the end finds it there.
    if (!more.hidden) return false;
    const page = await read(known.size, { quiet: true });
    const isNew = (comment) => !known.has(comment.id);
    let found = page.comments;
    // A character's comment has a date of its world and may stand before others: then all are read again, once.
    if (known.size + found.filter(isNew).length < page.total && page.total !== seen) {
      found = await whole((offset) => read(offset, { quiet: true }));
      seen = page.total;
    }
    const n = found.filter(isNew).length;
    if (n === 0) return false;
    withoutMoving(section, () => {
      place(found, true);
      note.replaceChildren();
    });
    // More may have been said between two answers: then more stand here than the first one knew of.
    count(post, Math.max(page.total, known.size));
    heard.textContent = text("comments.new", { n });
    return true;
  };
  more.addEventListener("click", () => inTurn(load));
  inTurn(load).then(() => keepUp(section, () => inTurn(look)));
  return section;
}

/** Read all pages. */
async function whole(read) {
  const found = [];
  for (;;) {
    const page = await read(found.length);
    found.push(...page.comments);
    if (page.comments.length === 0 || found.length >= page.total) return found;
  }
}

// An open post asks, and nothing is pushed: the stream of a world ends when the world is made, an interaction service tells
// nothing by itself, and a stream for each open post would take one of the six connections that a browser has to a server.
// So a post that is not open costs nothing, and one that is open, in a tab that is seen, one small call every 3 to 15 s.
function keepUp(section, look, wait = SOON_MS) {
  setTimeout(async () => {
    if (!section.isConnected) return;
    // While the server is away it is only asked less often.
    const news = document.hidden ? null : await look().catch(() => false);
    keepUp(section, look, news ? SOON_MS : news === null ? wait : Math.min(wait * 1.5, SELDOM_MS));
  }, wait);
}

/** Change the comments so that nothing moves below the eyes: the dialog does not grow, and a form that is in use stays. */
function withoutMoving(section, change) {
  const dialog = section.closest("dialog");
  dialog.style.height = `${dialog.offsetHeight}px`;
  dialog.classList.add("is-held");
  const form = section.querySelector("form");
  const top = () => form.getBoundingClientRect().top;
  const before = top();
  change();
  // What is only read, the browser keeps in its place.
  if (!form.contains(document.activeElement)) return;
  // One of them scrolls, by the width of the window.
  for (const box of [section.parentElement, dialog]) box.scrollTop += top() - before;
}

function entry(comment, language, fresh) {
  return h(
    "li",
    { class: fresh && "is-new" },
    h("p", { class: "comment-head" }, h("b", { dir: "auto" }, comment.username || text("comments.somebody")), " ", moment(comment.created_at)),
    h("p", { class: "comment-text", ...content(language) }, comment.text),
  );
}

/** `randomUUID` is there on safe origins only. */
const freshKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join("-");

function write(post, said) {
  const input = h("textarea", { name: "text", rows: 2, maxlength: MOST });
  const words = field(text("comments.write"), input, { rule: text("comments.rule", { n: MOST }) });
  const button = h("button", { class: "button primary", type: "submit" }, text("comments.send"));
  const general = h("p", { class: "field-error", role: "alert" });
  const form = h("form", { class: "stack" }, words.row, general, button);
  // The same words are one comment, however often they are sent: an answer may get lost.
  let sent = { words: "", key: "" };
  sends(form, {
    fields: [words],
    button,
    general,
    action: async () => {
      if (sent.words !== input.value) sent = { words: input.value, key: freshKey() };
      const headers = { "Idempotency-Key": sent.key };
      said(await call("POST", `${pathOf(post)}/comments`, { text: input.value }, { headers }));
      sent = { words: "", key: "" };
      input.value = "";
    },
  });
  return form;
}
