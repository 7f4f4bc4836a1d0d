// What was typed on the first page and not sent yet. It outlives other pages, a reload and a session that ends, in this tab
// and for this person alone; who logs out takes it with them.

const KEY = "draft";

/** What this person has typed: an object of field names and values. */
export function readDraft(user) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY));
    return kept?.user === user.id ? kept.values : {};
  } catch {
    // No storage, or what lies there is not ours.
    return {};
  }
}

export function keepDraft(user, values) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ user: user.id, values }));
  } catch {
    // Without storage, or with a text that is larger than it, the field itself is all there is.
  }
}

export function dropDraft() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Without storage there is none.
  }
}
