"""The panel of a world's making, by itself: the time that is left, by a clock of its own, and what it asks and answers."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person

#: `at(s)` lets the page's clock stand there; `said()` is what the panel says of the time.
_PANEL = """async () => {
  const { Panel } = await import("/js/panel.js");
  const status = {
    _id: "w", status: "in_progress", current_stage: "characters", users_created: 1, users_predicted: 5, posts_created: 0,
    posts_predicted: 15, tasks_failed: 0, llm_cost_total: 0, image_cost_total: 0, budget_usd: null, error: null, revision: 1,
    stages: ["initializing", "world_description", "world_image", "characters", "posts", "finishing"]
      .map((name) => ({ name, status: "completed" })),
  };
  const panel = new Panel("w", { mine: true, act: async () => "It did not work." });
  panel.close();
  let now = 0;
  performance.now = () => 1000 * now;
  const at = (seconds) => { now = seconds; panel.tick(); };
  const take = (left, more = {}) => panel.show({ ...status, seconds_left: left, ...more });
  const said = () => panel.time.textContent;
  return await (SCRIPT)({ panel, at, take, said });
}"""


@pytest.fixture
def page(made: tuple[Person, str]) -> Page:
    """The page of somebody who is logged in, loaded anew."""
    made[0].page.goto("/account")
    expect(made[0].page.get_by_role("heading", level=1)).to_be_visible()
    return made[0].page


def run(page: Page, script: str) -> Any:
    return page.evaluate(_PANEL.replace("SCRIPT", script))


def test_it_is_counted_down_between_two_guesses_and_moved_gently(page: Page) -> None:
    found = run(
        page,
        """({ at, take, said }) => {
          const heard = [];
          const note = () => heard.push(said());
          take(null); note();
          take(40); note();
          at(10); note();
          // Thirty were left; twice as much is told: half of the way.
          take(60); note();
          at(51); note();
          return heard;
        }""",
    )
    assert found == ["", "about 40 sec left", "about 30 sec left", "about 45 sec left", "a few seconds left"]


def test_a_guess_that_has_run_out_says_so(page: Page) -> None:
    found = run(
        page,
        """({ at, take, said }) => {
          take(5); at(6);
          const late = said();
          take(30);
          const again = said();
          take(null, { status: "completed" });
          return [late, again, said()];
        }""",
    )
    assert found == ["longer than expected", "about 15 sec left", ""]


def test_the_clock_stands_still_while_nothing_is_heard(page: Page) -> None:
    found = run(
        page,
        """({ panel, at, take, said }) => {
          take(40); at(10);
          panel.connected(false); at(100);
          const lost = [said(), panel.lost.hidden];
          panel.connected(true); take(30);
          const back = [said(), panel.lost.hidden];
          at(110);
          return [lost, back, said()];
        }""",
    )
    assert found == [["about 30 sec left", False], ["about 30 sec left", True], "about 20 sec left"]


def test_a_question_outlives_the_next_status(page: Page) -> None:
    """Whoever is asked whether to stop has a moment to think, also when the world begins meanwhile."""
    found = run(
        page,
        """({ panel, take }) => {
          const offered = () => [...panel.actions.querySelectorAll("button")].map((one) => one.textContent);
          take(null, { status: "pending" });
          panel.actions.querySelector("button").click();
          const asked = offered();
          take(40);
          const later = offered();
          take(null, { status: "cancelled" });
          return [asked, later, offered()];
        }""",
    )
    assert found == [["Stop", "Keep going"], ["Stop", "Keep going"], ["Go on with it"]]


def test_what_went_wrong_outlives_the_next_status(page: Page) -> None:
    found = run(
        page,
        """async ({ panel, take }) => {
          const said = () => [panel.why.hidden, panel.why.textContent];
          const told = [];
          take(null, { status: "cancelled" });
          told.push(said());
          panel.actions.querySelector("button").click();
          await new Promise((done) => setTimeout(done));
          take(null, { status: "cancelled" });
          told.push(said());
          take(null, { status: "failed", error: { reason: "No credit." } });
          told.push(said());
          take(40);
          told.push(said());
          return told;
        }""",
    )
    both = [False, "It did not work. No credit."]
    assert [[hidden, text.strip()] for hidden, text in found] == [
        [True, ""],
        [False, "It did not work."],
        both,
        [True, ""],
    ]
