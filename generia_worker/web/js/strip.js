// The characters of a world as faces in a row, above its feed.

import { get, query } from "./api.js";
import { content, h, tint } from "./dom.js";
import { picture, show } from "./images.js";
import { text } from "./texts.js";

const PAGE = 60;

export const personPath = (person) => `/worlds/${person.world_id}/characters/${person.id}`;

/** A character's avatar. */
export const avatarOf = (person, options) =>
  picture(person.avatar_url, {
    refresh: async () => (await get(`/characters/${person.id}`)).avatar_url,
    ...options,
  });

/** The characters of a world as faces in a row; those that come later join at its end. */
export class Strip {
  /** `past()` takes the keyboard to what comes after the faces. `language` is that of the names. */
  constructor(worldId, past) {
    this.worldId = worldId;
    this.language = "";
    this.faces = new Map();
    this.list = h("ul", { class: "strip" });
    const skip = h("button", { class: "skip", type: "button", onclick: past }, text("strip.skip"));
    this.element = h("nav", { class: "strip-frame", "aria-label": text("strip.name"), hidden: true }, skip, this.list);
    this.reading = null;
  }

  /** Read the characters again, once at a time; a wish that comes meanwhile is fulfilled afterwards. */
  refresh() {
    if (this.reading) {
      this.wanted = true;
      return this.reading;
    }
    this.reading = this.read().finally(() => {
      this.reading = null;
      if (this.wanted) {
        this.wanted = false;
        this.refresh();
      }
    });
    return this.reading;
  }

  async read() {
    const page = await get(query(`/worlds/${this.worldId}/characters`, { limit: PAGE })).catch(() => null);
    for (const person of page?.characters ?? []) this.put(person);
    this.element.hidden = this.faces.size === 0;
  }

  put(person) {
    const known = this.faces.get(person.id);
    if (known) return show(known, person.avatar_url);
    const image = avatarOf(person, { eager: false });
    this.faces.set(person.id, image);
    const face = tint(h("span", { class: "box face" }, image), person.id);
    this.list.append(
      h(
        "li",
        {},
        h(
          "a",
          { href: personPath(person) },
          face,
          h("span", { ...content(this.language) }, person.display_name),
        ),
      ),
    );
  }

  /** A post tells its author's avatar, also one that was drawn since. */
  seen(post) {
    const known = this.faces.get(post.character_id);
    if (known) show(known, post.avatar_url);
    else this.refresh();
  }
}
