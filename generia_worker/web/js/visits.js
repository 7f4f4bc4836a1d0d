// Until when somebody knows a world: the date of its newest post when they left it, kept in this browser, for this person.

const KEY = "visits";
/** As many worlds a person; those that were left longest ago are forgotten. */
const MOST = 200;

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    // No storage, or what lies there is not ours.
    return {};
  }
}

/** The date of the newest post that this person has seen there; empty on a first visit. */
export function knownUntil(user, worldId) {
  const date = kept()[user.id]?.[worldId];
  return typeof date === "string" ? date : "";
}

export function keepVisit(user, worldId, date) {
  const all = kept();
  const others = Object.entries(all[user.id] ?? {}).filter(([id]) => id !== worldId);
  all[user.id] = Object.fromEntries([...others, [worldId, date]].slice(-MOST));
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    // Without storage each visit is a first one.
  }
}
