// How long a world will still take: what the server says with each status, counted down in between and smoothed.

/** How far a new forecast moves the one that is shown. */
const PULL = 0.5;

export class TimeLeft {
  /** Take a status document. */
  take({ seconds_left: forecast }) {
    const shown = this.seconds();
    this.left = forecast ?? null;
    if (shown !== null && this.left !== null) this.left = shown + (forecast - shown) * PULL;
    this.since = performance.now();
    this.paused = false;
  }

  /** Nothing is heard of the world: the clock stands still until the next status. */
  pause() {
    this.left = this.seconds();
    this.paused = true;
  }

  /** The seconds that are left now: 0 when it takes longer than was said, null while nobody can tell. */
  seconds() {
    if (this.left === undefined || this.left === null) return null;
    const passed = this.paused ? 0 : (performance.now() - this.since) / 1000;
    return Math.max(0, this.left - passed);
  }
}
