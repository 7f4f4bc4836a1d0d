// Likes and comments: the buttons under a post, and what others said of it where it is open.

import { call, get, query } from "./api.js";
import { content, h, icon, moment, told } from "./dom.js";
import { field, sends } from "./forms.js";
import { number, text } from "./texts.js";

const PAGE = 50;
const MOST = 2000;
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
  const comments = h(
    "a",
    { class: "react", href: pathOf(post), "aria-label": text("post.comments", { n: post.comments_count }) },
    icon("speech"),
    h("span", {}, number(post.comments_count)),
  );
  const problem = h("span", { class: "react-problem", role: "alert" });
  return h("div", { class: "reactions" }, like(post, problem), comments, problem);
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

/** What is said of a post that is open, and room to say something. */
export function comments(post, language) {
  if (!there) return null;
  const known = new Set();
  const list = h("ol", { class: "comments" });
  const note = h("p", { class: "quiet", role: "status" });
  const more = h("button", { class: "button", type: "button", hidden: true }, text("comments.more"));
  const show = (comment) => {
    if (known.has(comment.id)) return;
    known.add(comment.id);
    list.append(entry(comment, language));
  };
  const load = async () => {
    more.setAttribute("aria-busy", "true");
    try {
      const page = await get(query(`${pathOf(post)}/comments`, { limit: PAGE, offset: known.size }));
      page.comments.forEach(show);
      more.hidden = page.comments.length === 0 || known.size >= page.total;
      note.replaceChildren(page.total === 0 ? text("comments.none") : "");
    } catch (error) {
      note.replaceChildren(told(error));
      more.hidden = false;
    } finally {
      more.setAttribute("aria-busy", "false");
    }
  };
  more.addEventListener("click", load);
  load();
  const said = (comment) => {
    // What came before it is read first: it stands at the end.
    if (more.hidden) show(comment);
    note.replaceChildren(more.hidden ? "" : text("comments.later"));
  };
  return h(
    "section",
    { class: "comments-part", "aria-label": text("comments.name") },
    h("h2", { class: "part-title" }, text("comments.name")),
    list,
    note,
    more,
    write(post, said),
  );
}

function entry(comment, language) {
  return h(
    "li",
    {},
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
