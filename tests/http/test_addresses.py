"""Where a program listens, and what is an address rather than a name."""

from __future__ import annotations

import pytest

from generia_worker.http.addresses import is_address


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8000", True),
        ("192.0.2.7:80", True),
        ("[::1]", True),
        ("[::1]:8000", True),
        ("localhost", True),
        ("localhost:8000", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example:80", False),
        ("example.org:443", False),
        ("", False),
        (":", False),
        ("[", False),
    ],
)
def test_addresses_and_names(host: str, expected: bool) -> None:
    assert is_address(host) is expected
