// A post: as a card of the feed, and opened in a dialog above whatever is shown.

import { get } from "./api.js";
import { content, h, icon, moment, rich, tint, told } from "./dom.js";
import { picture } from "./images.js";
import { comments, reactions } from "./reactions.js";
import { back } from "./router.js";
import { text } from "./texts.js";

/** The address of a tag's posts. */
const tagPath = (worldId, tag) => `/worlds/${worldId}/tags/${encodeURIComponent(tag)}`;
const postPath = (post) => `/worlds/${post.world_id}/posts/${post.post_id}`;
const personPath = (post) => `/worlds/${post.world_id}/characters/${post.character_id}`;

/** Fetches a post again, for the address of its picture. */
const again = (post, name) => async () => (await get(`/worlds/${post.world_id}/posts/${post.post_id}`))[name];

function author(post, language, fresh = false) {
  const avatar = tint(
    h("span", { class: "box avatar" }, picture(post.avatar_url, { refresh: again(post, "avatar_url") })),
    post.character_id,
  );
  const time = moment(post.created_at);
  // No header: in the dialog it would be one of the whole page.
  return h(
    "div",
    { class: "post-head" },
    h("a", { href: personPath(post), tabindex: -1, "aria-hidden": "true" }, avatar),
    h(
      "div",
      {},
      h("a", { class: "post-name", href: personPath(post), ...content(language) }, post.display_name),
      time && h("a", { class: "post-time", href: postPath(post) }, time),
      fresh && h("span", { class: "post-new" }, text("post.new")),
    ),
  );
}

function tags(post, language) {
  if (post.tags.length === 0) return null;
  return h(
    "ul",
    { class: "tags", "aria-label": text("post.tags") },
    post.tags
      .map((tag) => tag.replace(/^#+/, ""))
      .map((tag) => h("li", { ...content(language) }, h("a", { href: tagPath(post.world_id, tag) }, `#${tag}`))),
  );
}

/**
 * A post of the feed, of a world with this language. `eager`: it is seen at once, so its picture is wanted first; `fresh`: it
 * is new to who reads.
 */
export function postCard(post, { eager = false, language = "", fresh = false } = {}) {
  const image = picture(post.media_url, { eager, refresh: again(post, "media_url") });
  return tint(
    h(
      "article",
      { class: "post", tabindex: -1, "aria-label": text("post.of", { name: post.display_name }) },
      author(post, language, fresh),
      h(
        "a",
        {
          class: "box post-picture",
          href: postPath(post),
          "aria-label": text("post.open", { name: post.display_name }),
        },
        image,
      ),
      h(
        "div",
        { class: "post-words" },
        h("p", { class: "post-text", ...content(language) }, rich(post.caption)),
        tags(post, language),
        reactions(post),
      ),
    ),
    post.post_id,
  );
}

/** Open the post at an address above the page; returns what closes it. `language()` promises that of its world. */
export function openPost(worldId, postId, language) {
  const body = h("div", { class: "dialog-body" }, h("p", { class: "quiet" }, text("loading")));
  const shut = h("button", { class: "icon-button dialog-shut", "aria-label": text("close") }, icon("cross"));
  const dialog = h("dialog", { class: "post-dialog", "aria-label": text("post.name") }, shut, body);
  let leaving = false;
  shut.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    // Closed by the person, the address goes back; closed by a new address, it has gone already.
    if (!leaving) back(`/worlds/${worldId}`);
  });
  document.body.append(dialog);
  dialog.showModal();
  Promise.all([get(`/worlds/${worldId}/posts/${postId}`), language()]).then(
    (found) => body.replaceChildren(...opened(...found)),
    (error) => body.replaceChildren(h("p", { class: "field-error" }, told(error))),
  );
  return () => {
    leaving = true;
    dialog.close();
  };
}

function opened(post, language) {
  const image = picture(post.media_url, {
    alt: text("post.picture", { name: post.display_name }),
    eager: true,
    refresh: again(post, "media_url"),
  });
  return [
    tint(h("div", { class: "box dialog-picture" }, image), post.post_id),
    h(
      "div",
      { class: "dialog-words" },
      author(post, language),
      h("p", { class: "post-text is-whole", ...content(language) }, rich(post.caption)),
      tags(post, language),
      reactions(post),
      comments(post, language),
    ),
  ];
}
