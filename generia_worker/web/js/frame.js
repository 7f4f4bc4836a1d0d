// What stands around every view: the list of worlds at the side, which is a drawer on a phone.

import { get, logOut, query } from "./api.js";
import { dropDraft } from "./draft.js";
import { content, h, icon, isBeingMade, nameOf, tint } from "./dom.js";
import { picture } from "./images.js";
import { languageChoice } from "./language.js";
import { text } from "./texts.js";

const SHOWN = 40;

/** The frame of somebody who is logged in. `view` is where views go. */
export class Frame {
  constructor(user) {
    this.user = user;
    this.view = h("main", { id: "view", tabindex: -1 });
    this.list = h("ul", { class: "side-worlds" });
    this.side = this.makeSide();
    this.menu = h(
      "button",
      { class: "icon-button", "aria-label": text("frame.menu"), "aria-expanded": "false", "aria-controls": "side" },
      icon("menu"),
    );
    this.menu.addEventListener("click", () => this.toggle(!this.isOpen()));
    const shade = h("div", { class: "shade", onclick: () => this.toggle(false) });
    const top = h("header", { class: "top" }, this.menu, brand());
    this.element = h("div", { class: "frame" }, top, this.side, shade, this.view);
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.isOpen()) this.toggle(false);
    });
    this.refresh();
  }

  makeSide() {
    const leave = h(
      "button",
      { class: "icon-button", "aria-label": text("frame.logOut"), title: text("frame.logOut") },
      icon("leave"),
    );
    leave.addEventListener("click", async () => {
      await logOut();
      dropDraft();
      location.assign("/login");
    });
    return h(
      "aside",
      { class: "side", id: "side" },
      brand(),
      h(
        "nav",
        { "aria-label": text("frame.main") },
        h("a", { class: "side-link side-new", href: "/" }, icon("plus"), text("frame.newWorld")),
        h("a", { class: "side-link", href: "/worlds" }, icon("globe"), text("frame.allWorlds")),
      ),
      h(
        "nav",
        { class: "side-list", "aria-labelledby": "side-title" },
        h("h2", { id: "side-title" }, text("frame.yourWorlds")),
        this.list,
      ),
      h(
        "div",
        { class: "side-person" },
        h("a", { class: "side-name", ...content(""), href: "/account" }, this.user.username),
        languageChoice(),
        leave,
      ),
    );
  }

  isOpen() {
    return this.element.classList.contains("is-open");
  }

  toggle(open) {
    if (open === this.isOpen()) return;
    this.element.classList.toggle("is-open", open);
    this.menu.setAttribute("aria-expanded", String(open));
    // What lies under the drawer cannot be reached meanwhile.
    this.view.inert = open;
    if (open) this.side.querySelector("a").focus();
    else if (this.side.contains(document.activeElement)) this.menu.focus();
  }

  /** Read the list of worlds again; when the server does not answer, the old one stays. */
  async refresh() {
    const page = await get(query("/worlds", { limit: SHOWN, mine: true })).catch(() => null);
    if (page === null) return;
    this.list.replaceChildren(...page.worlds.map(entry));
    this.list.closest("nav").hidden = page.worlds.length === 0;
    this.mark();
  }

  /** Mark what stands at the current address. */
  mark() {
    for (const link of this.side.querySelectorAll("nav a, .side-person a")) {
      const path = link.getAttribute("href");
      const here =
        location.pathname === path || (path.length > 8 && location.pathname.startsWith(`${path}/`));
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.toggle(false);
  }
}

function brand() {
  return h(
    "a",
    { class: "brand", href: "/worlds" },
    h("img", { src: "/favicon.svg", alt: "", width: 28, height: 28 }),
    "Generia",
  );
}

function entry(world) {
  const box = tint(
    h("span", { class: "box side-icon" }, world.icon_url && picture(world.icon_url)),
    world.id,
  );
  const state = isBeingMade(world) && h("span", { class: "pulse", role: "img", "aria-label": text("frame.beingMade") });
  return h(
    "li",
    {},
    h(
      "a",
      { class: "side-link", href: `/worlds/${world.id}` },
      box,
      h("span", { class: "side-name", ...content(world.language) }, nameOf(world)),
      state,
    ),
  );
}
