// Logging in and registering. Shown wherever a call says that nobody is logged in; the address stays.

import { PASSWORD_RULE } from "./account.js";
import { Problem, post } from "./api.js";
import { h } from "./dom.js";
import { field, sends } from "./forms.js";

/** The view; `entered(user)` is called when somebody is logged in, `message` says why one is here. `registration` says who
 * may register: `open`, `invitation` or `closed`; `invitation` is the code of the link that one came by. */
export function loginView(entered, { message = "", registration = "open", invitation = "" } = {}) {
  const element = h("div", { class: "login" });
  const brand = h(
    "p",
    { class: "login-brand" },
    h("img", { src: "/favicon.svg", alt: "", width: 40, height: 40 }),
  );
  const line = "A sentence becomes a small world, with people in it who write and show what they see.";
  const panel = h("div", { class: "login-panel" });
  element.append(
    h("div", { class: "login-words" }, brand, h("h1", { tabindex: -1 }, "Generia"), h("p", {}, line)),
    panel,
  );

  const mayRegister = registration === "open" || (registration === "invitation" && invitation !== "");
  function show(registering) {
    const swap = mayRegister ? () => show(!registering) : null;
    panel.replaceChildren(form(registering, entered, registering ? "" : message, swap, invitation));
    panel.querySelector("input").focus();
  }
  show(mayRegister && invitation !== "");
  return { element, title: "Log in" };
}

function form(registering, entered, message, swap, invitation) {
  const fields = registering ? registerFields() : loginFields();
  const button = h(
    "button",
    { class: "button primary wide", type: "submit" },
    registering ? "Create account" : "Log in",
  );
  const general = h("p", { class: "field-error", role: "alert" }, message);
  const form = h(
    "form",
    { class: "stack" },
    h("h2", {}, registering ? "Create an account" : "Log in"),
    fields.map((one) => one.row),
    general,
    button,
    swap && h(
      "p",
      { class: "quiet" },
      registering ? "You have one already? " : "New here? ",
      h(
        "button",
        { type: "button", class: "link", onclick: swap },
        registering ? "Log in" : "Create an account",
      ),
    ),
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
      const session = await post(path, values, { quiet: true }).catch((error) => {
        throw registering ? atFields(error, fields) : error;
      });
      entered(session.user);
    },
  });
  return form;
}

/** A pattern is no explanation: say in words what a field takes. */
function atFields(error, fields) {
  if (error instanceof Problem && error.status === 422) {
    for (const one of fields) if (error.fields[one.name] && one.rule) error.fields[one.name] = one.rule;
  }
  return error;
}

function loginFields() {
  const email = h("input", {
    name: "email",
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
  });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password" });
  return [field("E-mail or user name", email), field("Password", password)];
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
    { ...field("User name", name), rule: "3 to 32 letters, digits, dots, dashes or underscores." },
    { ...field("E-mail", email), rule: "An e-mail address, such as ada@example.org." },
    { ...field("Password", password, { hint: "At least 10 characters." }), rule: PASSWORD_RULE },
  ];
}
