// A post: as a card of the feed, and opened in a dialog above whatever is shown.

import { get } from "./api.js";
import { h, icon, moment, rich, tint } from "./dom.js";
import { picture } from "./images.js";
import { back } from "./router.js";

const postPath = (post) => `/worlds/${post.world_id}/posts/${post.post_id}`;
const personPath = (post) => `/worlds/${post.world_id}/characters/${post.character_id}`;

/** Fetches a post again, for the address of its picture. */
const again = (post, name) => async () => (await get(`/worlds/${post.world_id}/posts/${post.post_id}`))[name];

function author(post) {
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
      h("a", { class: "post-name", href: personPath(post), dir: "auto" }, post.display_name),
      time && h("a", { class: "post-time", href: postPath(post) }, time),
    ),
  );
}

function tags(post) {
  if (post.tags.length === 0) return null;
  return h(
    "ul",
    { class: "tags", "aria-label": "Tags" },
    post.tags.map((tag) => h("li", { dir: "auto" }, `#${tag.replace(/^#+/, "")}`)),
  );
}

/** A post of the feed. `eager`: it is seen at once, so its picture is wanted first. */
export function postCard(post, eager = false) {
  const image = picture(post.media_url, { eager, refresh: again(post, "media_url") });
  return tint(
    h(
      "article",
      { class: "post", tabindex: -1, "aria-label": `Post of ${post.display_name}` },
      author(post),
      h(
        "a",
        {
          class: "box post-picture",
          href: postPath(post),
          "aria-label": `Open the post of ${post.display_name}`,
        },
        image,
      ),
      h(
        "div",
        { class: "post-words" },
        h("p", { class: "post-text", dir: "auto" }, rich(post.caption)),
        tags(post),
      ),
    ),
    post.post_id,
  );
}

/** Open the post at an address above the page; returns what closes it. */
export function openPost(worldId, postId) {
  const body = h("div", { class: "dialog-body" }, h("p", { class: "quiet" }, "Loading …"));
  const shut = h("button", { class: "icon-button dialog-shut", "aria-label": "Close" }, icon("cross"));
  const dialog = h("dialog", { class: "post-dialog", "aria-label": "Post" }, shut, body);
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
  get(`/worlds/${worldId}/posts/${postId}`).then(
    (post) => body.replaceChildren(...opened(post)),
    (error) => body.replaceChildren(h("p", { class: "field-error" }, error.message)),
  );
  return () => {
    leaving = true;
    dialog.close();
  };
}

function opened(post) {
  const image = picture(post.media_url, {
    alt: `The picture of this post of ${post.display_name}`,
    eager: true,
    refresh: again(post, "media_url"),
  });
  return [
    tint(h("div", { class: "box dialog-picture" }, image), post.post_id),
    h(
      "div",
      { class: "dialog-words" },
      author(post),
      h("p", { class: "post-text is-whole", dir: "auto" }, rich(post.caption)),
      tags(post),
    ),
  ];
}
