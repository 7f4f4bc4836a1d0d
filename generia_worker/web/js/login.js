// Logging in and registering. Shown wherever a call says that nobody is logged in; the address stays.

import { post } from "./api.js";
import { h } from "./dom.js";
import { field, sends } from "./forms.js";
import { languageChoice } from "./language.js";
import { parts, text } from "./texts.js";

/** The view; `entered(user)` is called when somebody is logged in, `message` says why one is here. `registration` says who
 * may register: `open`, `invitation` or `closed`; `invitation` is the code of the link that one came by. */
export function loginView(entered, { message = "", registration = "open", invitation = "" } = {}) {
  const element = h("div", { class: "login" });
  const brand = h(
    "p",
    { class: "login-brand" },
    h("img", { src: "/favicon.svg", alt: "", width: 40, height: 40 }),
  );
  const panel = h("div", { class: "login-panel" });
  element.append(
    h("div", { class: "login-words" }, brand, h("h1", { tabindex: -1 }, "Generia"), h("p", {}, text("login.line"))),
    h("div", { class: "login-side" }, panel, languageChoice()),
  );

  const mayRegister = registration === "open" || (registration === "invitation" && invitation !== "");
  function show(registering) {
    const swap = mayRegister ? () => show(!registering) : null;
    panel.replaceChildren(form(registering, entered, registering ? "" : message, swap, invitation));
    panel.querySelector("input").focus();
  }
  show(mayRegister && invitation !== "");
  return { element, title: text("login.logIn") };
}

function form(registering, entered, message, swap, invitation) {
  const fields = registering ? registerFields() : loginFields();
  const button = h(
    "button",
    { class: "button primary wide", type: "submit" },
    text(registering ? "login.create" : "login.logIn"),
  );
  const general = h("p", { class: "field-error", role: "alert" }, message);
  const link = h(
    "button",
    { type: "button", class: "link", onclick: swap },
    text(registering ? "login.logIn" : "login.register"),
  );
  const form = h(
    "form",
    { class: "stack" },
    h("h2", {}, text(registering ? "login.register" : "login.logIn")),
    fields.map((one) => one.row),
    general,
    button,
    swap && h("p", { class: "quiet" }, parts(registering ? "login.hasAccount" : "login.isNew", { link })),
  );
  sends(form, {
    fields,
    button,
    general,
    action: async () => {
      const values = Object.fromEntries(fields.map((one) => [one.name, one.input.value.trim()]));
      values.password = fields.at(-1).input.value;
      if (registering && invitation) values.invitation = invitation;
      const path = registering ? "/auth/register" : "/auth/login";
      entered((await post(path, values, { quiet: true })).user);
    },
  });
  return form;
}

function loginFields() {
  const email = h("input", {
    name: "email",
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
  });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password" });
  return [
    field(text("login.name"), email, { rule: text("rule.needed") }),
    field(text("login.password"), password, { rule: text("rule.needed") }),
  ];
}

function registerFields() {
  const name = h("input", {
    name: "username",
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
  });
  const email = h("input", { name: "email", type: "email", autocomplete: "email" });
  const password = h("input", { name: "password", type: "password", autocomplete: "new-password" });
  return [
    field(text("login.userName"), name, { rule: text("rule.username") }),
    field(text("login.email"), email, { rule: text("rule.email") }),
    field(text("login.password"), password, { hint: text("login.passwordHint"), rule: text("rule.password") }),
  ];
}
