// The posts of a world that have a tag.

import { get, query } from "./api.js";
import { content, h } from "./dom.js";
import { Feed } from "./feed.js";
import { text } from "./texts.js";

const PAGE = 20;

/** The view; `name` is the tag as it stands in the address, `make(post)` makes the element of a post. */
export function tagView(world, name, make) {
  const tag = decoded(name);
  const feed = new Feed({
    load: (cursor) => get(query(`/worlds/${world.id}/posts`, { limit: PAGE, cursor, tag })),
    make,
  });
  feed.explain(text("tag.none"));
  const element = h(
    "section",
    { class: "page-part tag-part", "aria-labelledby": "tag-title" },
    h("h2", { id: "tag-title", class: "part-title", ...content(world.language) }, `#${tag}`),
    feed.element,
  );
  return { element, attached: () => feed.attach(), close: () => feed.detach() };
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    // Somebody wrote the address by hand.
    return name;
  }
}
