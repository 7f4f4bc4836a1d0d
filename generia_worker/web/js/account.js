// The account: who one is here, and another password.

import { post } from "./api.js";
import { h } from "./dom.js";
import { field, sends } from "./forms.js";

/** What a password must be, in words. */
export const PASSWORD_RULE = "At least 10 characters, not counting spaces around them.";

/** The view of somebody's own account. The local person has neither an address nor a password. */
export function accountView(user) {
  const element = h(
    "div",
    { class: "page account" },
    h("h1", { tabindex: -1, dir: "auto" }, user.username),
    h("p", { class: "lead" }, user.email || "You came by the link of the command line."),
    user.email && h("section", { class: "account-part" }, passwordForm()),
  );
  return { element, title: "Account" };
}

function passwordForm() {
  const old = h("input", { name: "old_password", type: "password", autocomplete: "current-password" });
  const fresh = h("input", { name: "new_password", type: "password", autocomplete: "new-password" });
  const fields = [
    field("Password of before", old),
    field("New password", fresh, { hint: "At least 10 characters." }),
  ];
  const button = h("button", { class: "button primary", type: "submit" }, "Change password");
  const general = h("p", { class: "field-error", role: "alert" });
  const done = h("p", { class: "quiet", role: "status" });
  const form = h(
    "form",
    { class: "stack" },
    h("h2", { class: "part-title" }, "Change the password"),
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
      await post("/auth/password", body, { quiet: true }).catch((error) => {
        if (error.fields?.new_password) error.fields.new_password = PASSWORD_RULE;
        throw error;
      });
      old.value = fresh.value = "";
      done.textContent = "The password is changed. You are logged out everywhere else.";
    },
  });
  return form;
}
