// How long a world will still take: from the steps that are done, by the server's clock, smoothed.

/** Before this part of the steps is done, nothing can be said from them. */
const ENOUGH = 0.12;
/** How far a new guess moves the one that is shown. */
const PULL = 0.3;

export class TimeLeft {
  /** Take what a world of this size was estimated to take in all, until its own pace tells better. */
  expect({ low, high }, status) {
    const elapsed = (new Date(status.updated_at) - new Date(status.created_at)) / 1000;
    if (this.left !== undefined) return;
    this.left = Math.max(1, Math.sqrt(low * high) - elapsed);
    this.since = performance.now();
    this.guessed = true;
  }

  /** Take a status document. */
  take(status) {
    const elapsed = (new Date(status.updated_at) - new Date(status.created_at)) / 1000;
    const all = status.tasks_total + status.task_predicted;
    const ended =
      status.tasks_completed + status.tasks_failed + status.tasks_skipped + status.tasks_cancelled;
    const part = all > 0 ? ended / all : 0;
    // Until the cast is known, what is to be done is a guess of its own.
    if (part < ENOUGH || status.users_created === 0) return;
    const guess = (elapsed * (1 - part)) / part;
    const shown = this.guessed ? null : this.seconds();
    this.left = shown === null ? guess : shown + (guess - shown) * PULL;
    this.since = performance.now();
    this.guessed = false;
  }

  /** The seconds that are left now, or null while nobody can tell. */
  seconds() {
    if (this.left === undefined) return null;
    return Math.max(0, this.left - (performance.now() - this.since) / 1000);
  }
}
