// Follows a world by server-sent events: over dropped connections, sleeping tabs and times without a network.

const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 30_000;
/** Browsers allow six connections to a server over all tabs: a tab that nobody looks at gives its own back. */
const HIDDEN_MS = 20_000;

/**
 * Follow a world until it has ended. `on` may have:
 *   status(document), post(post), done(): as the stream tells them;
 *   opened(again): the stream is there; when `again`, something may have been missed;
 *   lost(): there is no connection; it is tried again;
 *   refused(): the server ended the stream for good: return (a promise of) true when the world has ended.
 */
export function follow(worldId, on) {
  let source = null;
  let ended = false;
  let times = 0;
  let wait = FIRST_WAIT_MS;
  let timer = 0;
  let hiddenTimer = 0;

  function drop() {
    source?.close();
    source = null;
    clearTimeout(timer);
  }

  function open() {
    if (ended || source) return;
    const mine = new EventSource(`/api/v1/worlds/${worldId}/status/stream`);
    source = mine;
    mine.onopen = () => {
      wait = FIRST_WAIT_MS;
      on.opened?.(times++ > 0);
    };
    mine.onerror = () => {
      if (ended || source !== mine) return;
      on.lost?.();
      // While it is connecting, the browser tries by itself, with the last id that it saw.
      if (mine.readyState === EventSource.CLOSED) again();
    };
    mine.addEventListener("status", (event) => on.status?.(JSON.parse(event.data)));
    mine.addEventListener("post", (event) => on.post?.(JSON.parse(event.data)));
    mine.addEventListener("done", () => {
      stop();
      on.done?.();
    });
  }

  async function again() {
    drop();
    const over = await Promise.resolve(on.refused?.()).catch(() => false);
    if (ended) return;
    if (over) return stop();
    clearTimeout(timer);
    timer = setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }

  function reopen() {
    if (ended || source?.readyState === EventSource.OPEN) return;
    drop();
    open();
  }

  function seen() {
    clearTimeout(hiddenTimer);
    if (document.visibilityState === "hidden") hiddenTimer = setTimeout(drop, HIDDEN_MS);
    else reopen();
  }

  function stop() {
    ended = true;
    drop();
    clearTimeout(hiddenTimer);
    document.removeEventListener("visibilitychange", seen);
    removeEventListener("online", reopen);
    removeEventListener("pageshow", reopen);
    removeEventListener("pagehide", drop);
  }

  document.addEventListener("visibilitychange", seen);
  addEventListener("online", reopen);
  addEventListener("pageshow", reopen);
  addEventListener("pagehide", drop);
  open();
  return { stop };
}
