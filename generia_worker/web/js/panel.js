// How a world comes into being: its own steps and then two bars in their place, dollars and the time that is left.

import { announce, dollars, duration, h, simulatedMark } from "./dom.js";
import { failureList } from "./failures.js";
import { parts, text, textOr } from "./texts.js";
import { TimeLeft } from "./timeleft.js";

const OPENING = [
  ["world_description", "panel.describing"],
  ["world_image", "panel.painting"],
];
/** How often the clock of what is left moves, and how long the panel stays once all is done. */
const TICK_MS = 1000;
const FAREWELL_MS = 1800;

export class Panel {
  /** `mine`: only who made the world may act; `act(action)` does it. */
  constructor(worldId, { mine, act }) {
    this.worldId = worldId;
    this.mine = mine;
    this.act = act;
    this.left = new TimeLeft();
    this.heading = h("h2", {}, text("panel.pending"));
    this.time = h("p", { class: "panel-time" });
    this.why = h("p", { class: "panel-why", dir: "auto", hidden: true });
    this.opening = h(
      "ol",
      { class: "opening" },
      OPENING.map(([, name]) => h("li", {}, h("span", { class: "mark", "aria-hidden": "true" }), text(name))),
    );
    this.characters = bar("characters");
    this.posts = bar("posts");
    this.bars = h("div", { class: "bars" }, this.characters.element, this.posts.element);
    this.money = h("p", { class: "panel-money" });
    this.failed = h("div", { class: "panel-failed" });
    this.actions = h("div", { class: "panel-actions" });
    this.lost = h(
      "p",
      { class: "panel-lost", hidden: true },
      text("panel.lost"),
    );
    const inside = h(
      "div",
      { class: "panel" },
      h("header", {}, this.heading, this.time),
      this.why,
      h("div", { class: "panel-stage" }, this.opening, this.bars),
      this.lost,
      this.failed,
      h("footer", {}, this.money, this.actions),
    );
    this.element = h(
      "section",
      { class: "panel-frame", "aria-label": text("panel.name") },
      h("div", {}, inside),
    );
    this.clock = setInterval(() => this.tick(), TICK_MS);
  }

  /** Show a status document. */
  show(status) {
    this.status = status;
    const { users_created: users, posts_created: posts } = status;
    this.left.take(status);
    const incomplete = status.status === "completed" && status.tasks_failed > 0;
    this.heading.textContent = text(incomplete ? "panel.incomplete" : `panel.${status.status}`);
    this.element.dataset.state = status.status;
    const states = Object.fromEntries(status.stages.map((stage) => [stage.name, stage.status]));
    OPENING.forEach(([name], at) => mark(this.opening.children[at], states[name]));
    this.element.classList.toggle("has-bars", users > 0 || posts > 0 || states.characters !== "pending");
    this.characters.show(users, status.users_predicted);
    this.posts.show(posts, status.posts_predicted);
    this.money.replaceChildren(...[...spent(status), simulatedMark()].filter(Boolean));
    this.showActions(status);
    this.showWhy();
    this.showFailures(status);
    this.say(status);
    this.tick();
  }

  tick() {
    const going = this.status?.status === "in_progress";
    const seconds = going ? this.left.seconds() : null;
    this.time.textContent = seconds === null ? "" : leftText(seconds);
  }

  /** Tell a screen reader when a stage begins, and at each quarter of the posts: not with each tick. */
  say(status) {
    const quarter = Math.floor((4 * status.posts_created) / Math.max(1, status.posts_predicted));
    const key = `${status.status} ${status.current_stage} ${quarter}`;
    if (key === this.said) return;
    this.said = key;
    const { status: is, current_stage: stage } = status;
    const characters = text("made.characters", { made: status.users_created, n: status.users_predicted });
    const posts = text("made.posts", { made: status.posts_created, n: status.posts_predicted });
    const state = is === "in_progress" ? textOr(`stage.${stage}`, stage) : text(`panel.${is}`);
    announce(text("panel.said", { state, characters, posts }));
  }

  showActions({ status, tasks_failed: failed }) {
    // Where steps have failed, their list has the button that goes on.
    const stopped = status === "cancelled" || (status === "failed" && failed === 0);
    const going = status === "pending" || status === "in_progress";
    const offered = going ? "cancel" : stopped ? "resume" : "nothing";
    // What is offered still stays as it is: somebody may just be asked whether they mean it.
    if (!this.mine || this.actions.dataset.offered === offered) return;
    this.actions.dataset.offered = offered;
    this.problem = null;
    if (going) this.actions.replaceChildren(this.cancelButton());
    else if (stopped) this.actions.replaceChildren(this.button(text("panel.goOn"), "resume", "primary"));
    else this.actions.replaceChildren();
  }

  /** Say what the last action met, and what the world failed of. */
  showWhy() {
    const { error } = this.status;
    const why = error && (this.mine ? serverSays(error.reason) : text("panel.whyOthers"));
    this.why.hidden = !this.problem && !why;
    this.why.replaceChildren(...[this.problem, " ", why].filter(Boolean));
  }

  button(label, action, kind = "") {
    const button = h("button", { class: `button ${kind}` }, label);
    button.addEventListener("click", async () => {
      button.setAttribute("aria-busy", "true");
      this.problem = await this.act(action);
      button.setAttribute("aria-busy", "false");
      this.showWhy();
    });
    return button;
  }

  /** Stopping cannot be undone by accident: the button asks once. */
  cancelButton() {
    const ask = h("button", { class: "button" }, text("panel.cancel"));
    ask.addEventListener("click", () => {
      const keep = h("button", { class: "button" }, text("panel.keepGoing"));
      keep.addEventListener("click", () => {
        this.actions.replaceChildren(this.cancelButton());
        this.actions.firstChild.focus();
      });
      const question = h("span", {}, text("panel.reallyStop"));
      this.actions.replaceChildren(question, this.button(text("panel.stop"), "cancel", "danger"), keep);
      keep.focus();
    });
    return ask;
  }

  async showFailures({ tasks_failed: failed, status, revision }) {
    // While it goes on, failures are named once they are many or the end has come; each list is one call.
    const wanted = this.mine && failed > 0 ? `${failed} ${status}` : "";
    if (wanted === this.failuresShown) return;
    this.failuresShown = wanted;
    const list = wanted ? await failureList(this.worldId, { retry: () => this.act("retry") }) : null;
    if (this.status.revision >= revision && this.failuresShown === wanted)
      this.failed.replaceChildren(...(list ? [list] : []));
  }

  /** Say whether the stream is there. */
  connected(yes) {
    this.lost.hidden = yes;
    if (!yes) this.left.pause();
  }

  /** All is done: fold away, unless there is something left to decide. */
  farewell(fold) {
    if (this.status?.status !== "completed" || this.status.tasks_failed > 0) return;
    setTimeout(() => fold(this.element), FAREWELL_MS);
  }

  close() {
    clearInterval(this.clock);
  }
}

function leftText(seconds) {
  if (seconds === 0) return text("time.longer");
  return seconds < 5 ? text("time.seconds") : text("time.left", { time: duration(seconds) });
}

/** What it has cost: the sum is what counts. */
function spent({ status, budget_usd: budget, llm_cost_total: texts, image_cost_total: pictures }) {
  const values = { sum: h("strong", {}, dollars(texts + pictures)) };
  if (budget) return parts("panel.ofBudget", { ...values, budget: dollars(budget) });
  return parts(status === "completed" ? "panel.inAll" : "panel.soFar", values);
}

/** A reason of the server, which speaks English, or quotes a provider. */
const serverSays = (reason) => h("span", { lang: "en", dir: "auto" }, reason);

function bar(kind) {
  const id = `bar-${kind}`;
  const number = h("span", { class: "bar-number" });
  const track = h(
    "div",
    { class: "bar-track", role: "progressbar", "aria-labelledby": id, "aria-valuemin": 0 },
    h("span", {}),
  );
  const element = h(
    "div",
    { class: "bar" },
    h("div", { class: "bar-head" }, h("span", { id }, text(`panel.${kind}`)), number),
    track,
  );
  function show(made, all) {
    number.replaceChildren(...parts("panel.of", { made: h("strong", {}, String(made)), all }));
    track.setAttribute("aria-valuemax", all);
    track.setAttribute("aria-valuenow", made);
    track.style.setProperty("--part", (made / Math.max(1, all)).toFixed(4));
  }
  return { element, show };
}

function mark(item, state) {
  item.className = `is-${state}`;
  item.setAttribute("aria-label", `${item.textContent}: ${textOr(`is.${state}`, state)}`);
}
