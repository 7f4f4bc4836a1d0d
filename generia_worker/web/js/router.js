// Addresses: which view stands at which path, and going from one to the other without loading the page anew.

const routes = [];
let changed = () => {};
/** How many entries of this page's history lie behind the current one. */
let depth = 0;

/** Let `view` stand at `pattern`, in which `:name` is any one part. */
export function route(pattern, view) {
  const source = pattern.replace(/:(\w+)/g, "(?<$1>[^/]+)");
  routes.push([new RegExp(`^${source}/?$`), view]);
}

/** Find what stands at the current address. */
export function current() {
  for (const [pattern, view] of routes) {
    const match = pattern.exec(location.pathname);
    if (match) return { view, params: { ...match.groups } };
  }
  return null;
}

/** Go to an address. */
export function go(path, { replace = false } = {}) {
  // Where the person was on the page that is left: going back leads there again.
  if (!replace) history.replaceState({ ...history.state, y: scrollY }, "");
  depth = replace ? depth : depth + 1;
  history[replace ? "replaceState" : "pushState"]({ depth }, "", path);
  changed({ y: replace ? null : 0 });
}

/** Go back if that stays on this page, else to `path`. */
export function back(path) {
  if (depth > 0) history.back();
  else go(path, { replace: true });
}

/** Begin: `onChange` is told of each new address, with where to scroll to (null: stay). */
export function start(onChange) {
  changed = onChange;
  history.scrollRestoration = "manual";
  depth = history.state?.depth ?? 0;
  addEventListener("popstate", (event) => {
    depth = event.state?.depth ?? 0;
    changed({ y: event.state?.y ?? 0 });
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='/']");
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || event.defaultPrevented || link.hasAttribute("download") || link.target) return;
    event.preventDefault();
    go(link.getAttribute("href"));
  });
  changed({ y: history.state?.y ?? 0 });
}
