"""The feed alone, in a real browser: posts come in any order, and each is shown once, at its date."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person

#: A feed over a service that has these posts: `post_id` is the date. `feed.more()` and so on are those of the page.
_FEED = """async () => {
  const { Feed } = await import("/js/feed.js");
  const all = [];
  const post = (day) => ({ post_id: `p${day}`, created_at: day.toFixed(1).padStart(8, "0"), caption: "", tags: [] });
  const serve = async (cursor) => {
    const older = all.filter((one) => !cursor || one.created_at < cursor);
    older.sort((a, b) => (a.created_at > b.created_at ? -1 : 1));
    const posts = older.slice(0, 10);
    const last = posts.at(-1)?.created_at;
    return { posts, next_cursor: older.length > 10 ? last : "" };
  };
  const held = [];
  let load = serve;
  const feed = new Feed({ load: (cursor) => load(cursor), make: (one) => {
    const element = document.createElement("article");
    element.id = one.post_id;
    return element;
  }});
  const days = () => [...feed.body.querySelectorAll("article")].map((one) => Number(one.id.slice(1)));
  const groups = () => feed.groups.map((group) => group.posts.length);
  // It stands in no page: what comes live waits until it is asked for.
  /** Let the next page be read now and arrive when it is let go. */
  const hold = () => {
    load = async (cursor) => {
      load = serve;
      const page = await serve(cursor);
      await new Promise((go) => held.push(go));
      return page;
    };
  };
  /** Let the next page be read in vain. */
  const fail = () => {
    load = async () => {
      load = serve;
      throw new Error("no answer");
    };
  };
  return await (SCRIPT)({ feed, all, post, days, groups, hold, held, fail });
}"""


@pytest.fixture(scope="module")
def page(made: tuple[Person, str]) -> Page:
    """The page of somebody who is logged in."""
    made[0].page.goto("/account")
    expect(made[0].page.get_by_role("heading", level=1)).to_be_visible()
    return made[0].page


def run(page: Page, script: str) -> Any:
    return page.evaluate(_FEED.replace("SCRIPT", script))


def test_posts_that_come_in_any_order_stand_in_that_of_their_dates(page: Page) -> None:
    days, groups = run(
        page,
        """async ({ feed, all, post, days, groups }) => {
          await feed.more();
          const order = [...Array(200).keys()].map((n) => (n * 77) % 200);
          for (const day of order) { all.push(post(day)); feed.live(post(day)); feed.live(post(day)); }
          feed.showWaiting();
          return [days(), groups()];
        }""",
    )
    assert days == sorted(range(200), reverse=True)
    assert max(groups) < 40, "what is far away is not drawn: by groups"
    assert len(groups) < 60


def test_a_post_that_is_older_than_what_is_loaded_comes_with_its_page(page: Page) -> None:
    first, size, whole = run(
        page,
        """async ({ feed, all, post, days }) => {
          for (let day = 100; day < 125; day++) all.push(post(day));
          await feed.more();
          all.push(post(50)); feed.live(post(50));
          const first = days(), size = feed.size;
          await feed.more(); await feed.more();
          return [first, size, days()];
        }""",
    )
    assert first == list(range(124, 114, -1))
    assert size == 11, "it is known, so that nobody asks for it"
    assert whole == [*range(124, 99, -1), 50]


def test_a_post_that_appears_while_its_page_is_read_is_not_lost(page: Page) -> None:
    found = run(
        page,
        """async ({ feed, all, post, days, hold, held }) => {
          for (let day = 100; day < 120; day++) all.push(post(day));
          await feed.more();
          hold();
          const more = feed.more();
          await new Promise((done) => setTimeout(done));
          all.push(post(105.5)); feed.live(post(105.5));
          held.shift()();
          await more;
          return days();
        }""",
    )
    assert found == [*range(119, 105, -1), 105.5, *range(105, 99, -1)]


def test_what_was_missed_is_found_wherever_it_is(page: Page) -> None:
    found = run(
        page,
        """async ({ feed, all, post, days }) => {
          for (let day = 100; day < 130; day++) all.push(post(day));
          await feed.more(); await feed.more();
          all.push(post(112.5)); all.push(post(1)); all.push(post(500));
          await feed.catchUp();
          feed.showWaiting();
          const loaded = days();
          while (!feed.whole) await feed.more();
          all.push(post(2)); all.push(post(113.5));
          await feed.catchUp();
          feed.showWaiting();
          return [loaded, days()];
        }""",
    )
    loaded, whole = found
    assert loaded == [500, *range(129, 112, -1), 112.5, *range(112, 109, -1)]
    assert whole == [500, *range(129, 113, -1), 113.5, 113, 112.5, *range(112, 99, -1), 2, 1]


def test_a_feed_is_busy_while_a_page_loads_and_no_longer_than_that(page: Page) -> None:
    while_loading, failed, asked_again = run(
        page,
        """async ({ feed, all, post, days, hold, held, fail }) => {
          const seen = () => [feed.body.ariaBusy, !feed.again.hidden, days().length];
          for (let day = 100; day < 130; day++) all.push(post(day));
          await feed.more();
          hold();
          const more = feed.more();
          await new Promise((done) => setTimeout(done));
          const whileLoading = seen();
          held.shift()();
          await more;
          fail();
          await feed.more();
          const failed = seen();
          await feed.more();
          return [whileLoading, failed, seen()];
        }""",
    )
    assert while_loading == ["true", False, 10]
    assert failed == ["false", True, 20], "and offers to ask again"
    assert asked_again == ["false", False, 30]


def test_a_post_that_stands_below_what_is_seen_is_told_until_it_is_seen(page: Page) -> None:
    """A world's posts have dates of its past: the next one to appear is seldom the newest."""
    page.reload()
    run(
        page,
        """async ({ feed, all, post }) => {
          const style = new CSSStyleSheet();
          style.replaceSync("article { height: 500px } #place { position: absolute; inset: 0 0 auto; background: white }");
          document.adoptedStyleSheets = [style];
          const place = document.createElement("div");
          place.id = "place";
          document.body.append(place);
          place.append(feed.element);
          for (let day = 100; day < 108; day++) all.push(post(day));
          await feed.more();
          feed.attach();
          window.shown = { feed, post };
        }""",
    )
    pill = page.locator("#place .pill")
    expect(pill).to_be_hidden()

    def live(day: float) -> None:
        page.evaluate("(day) => shown.feed.live(shown.post(day))", day)

    # On top it is seen at once.
    live(200)
    expect(pill).to_be_hidden()
    live(102.5)
    live(101.5)
    expect(pill).to_have_text("2 new posts further down")
    box = pill.bounding_box()
    assert box is not None and 600 < box["y"] < 800 - box["height"], "at the lower edge"
    pill.click()
    # To the newest of both; the other one comes into sight with it.
    expect(page.locator("[id='p102.5']")).to_be_in_viewport(ratio=0.9)
    page.evaluate("() => scrollBy(0, 600)")
    expect(pill).to_be_hidden()
    # While somebody reads, what is new waits, and the text stands still.
    live(300)
    expect(pill).to_have_text("1 new post")
    box = pill.bounding_box()
    assert box is not None and box["y"] < 200
    pill.click()
    expect(page.locator("#p300")).to_be_in_viewport(ratio=0.9)
    live(103.5)
    expect(pill).to_have_text("1 new post further down")
    page.evaluate("() => shown.feed.settle()")
    expect(pill).to_be_hidden()
    page.reload()
