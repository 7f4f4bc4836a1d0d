// The account: who one is here, and another password.

import { post } from "./api.js";
import { h } from "./dom.js";
import { field, sends } from "./forms.js";
import { text } from "./texts.js";

/** The view of somebody's own account. The local person has neither an address nor a password. */
export function accountView(user) {
  const element = h(
    "div",
    { class: "page account" },
    h("h1", { tabindex: -1, dir: "auto" }, user.username),
    h("p", { class: "lead" }, user.email || text("account.local")),
    user.email && h("section", { class: "account-part" }, passwordForm()),
  );
  return { element, title: text("account.title") };
}

function passwordForm() {
  const old = h("input", { name: "old_password", type: "password", autocomplete: "current-password" });
  const fresh = h("input", { name: "new_password", type: "password", autocomplete: "new-password" });
  const fields = [
    field(text("account.old"), old, { rule: text("rule.needed") }),
    field(text("account.new"), fresh, { hint: text("login.passwordHint"), rule: text("rule.password") }),
  ];
  const button = h("button", { class: "button primary", type: "submit" }, text("account.change"));
  const general = h("p", { class: "field-error", role: "alert" });
  const done = h("p", { class: "quiet", role: "status" });
  const form = h(
    "form",
    { class: "stack" },
    h("h2", { class: "part-title" }, text("account.heading")),
    fields.map((one) => one.row),
    general,
    button,
    done,
  );
  sends(form, {
    fields,
    button,
    general,
    action: async () => {
      done.textContent = "";
      const body = { old_password: old.value, new_password: fresh.value };
      await post("/auth/password", body, { quiet: true });
      old.value = fresh.value = "";
      done.textContent = text("account.changed");
    },
  });
  return form;
}
