"""Signed URLs: stable for a while, so that browsers can keep what they show, and never signed for too short a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from generia_worker.reference.shared.signed_urls import SignedUrls
from generia_worker.settings import Settings


def test_the_url_of_a_page_is_the_same_for_ten_minutes_and_then_another() -> None:
    moment = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC)
    urls = SignedUrls(Settings(_env_file=None), lambda: moment)
    first = urls.page_url("w/a.png")
    assert urls.page_url("w/b.png") != first
    for minutes, same in ((5, True), (9, True), (10, False), (700, False)):
        moment = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC) + timedelta(minutes=minutes)
        url = urls.page_url("w/a.png")
        assert (url == first) is same
        asked = parse_qs(urlsplit(url).query)
        signed = datetime.strptime(asked["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        left = signed + timedelta(seconds=int(asked["X-Amz-Expires"][0])) - moment
        assert timedelta(hours=1) <= left <= timedelta(minutes=70)
    assert urls.page_url(None) == urls.page_url("") == ""
