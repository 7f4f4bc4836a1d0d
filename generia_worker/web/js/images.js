// Pictures: they fade in over what stands in their place, and are asked for again when their signed address has expired.

/** Addresses are good for about an hour: a picture that failed is asked for anew once in this time, not in a loop. */
const AGAIN_MS = 60_000;

/**
 * Make a picture. `refresh` returns a new address of it (or an empty one); it is called when the picture cannot be
 * loaded, which is mostly because its address has expired while the tab slept.
 */
export function picture(url, { alt = "", eager = false, refresh = null } = {}) {
  const image = document.createElement("img");
  image.alt = alt;
  image.decoding = "async";
  if (eager) image.fetchPriority = "high";
  else image.loading = "lazy";
  image.className = "fades";
  let asked = -Infinity;
  image.addEventListener("load", () => image.classList.add("is-in"));
  async function again() {
    if (!refresh || performance.now() - asked < AGAIN_MS) return;
    asked = performance.now();
    const fresh = await refresh().catch(() => "");
    if (fresh) image.src = fresh;
  }
  image.addEventListener("error", () => {
    image.classList.remove("is-in");
    if (navigator.onLine) again();
    else addEventListener("online", again, { once: true });
  });
  show(image, url);
  return image;
}

/** Let a picture show another address; the same file under a new signature is left alone. */
export function show(image, url) {
  if (!url) return;
  const file = url.split("?")[0];
  if (image.dataset.file === file && image.classList.contains("is-in")) return;
  image.dataset.file = file;
  image.src = url;
  // What the browser has already is there at once.
  image.classList.toggle("is-in", image.complete && image.naturalWidth > 0);
}
