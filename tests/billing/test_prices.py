"""Prices: what a call cost where its provider does not say, and the most that it can cost."""

from __future__ import annotations

import pytest

from generia_worker.billing.prices import PriceTable
from generia_worker.providers.usage import Usage

UNKNOWN = PriceTable(None, None, 0)
PRICES = PriceTable(1.0, 2.0, 0.5)


@pytest.mark.parametrize(
    ("usage", "prices", "priced"),
    [
        (Usage(0.0, 1, 1), PRICES, Usage(0.0, 1, 1)),
        (Usage(0.25, 1000, 500), PRICES, Usage(0.25, 1000, 500)),
        (Usage(None, 1000, 500), PRICES, Usage(0.002, 1000, 500)),
        (Usage(None, 1000, 0), PRICES, Usage(0.001, 1000, 0)),
        (Usage(None, 1000, 500), UNKNOWN, Usage(None, 1000, 500)),
        (Usage(None, 1000, 500), PriceTable(1.0, None, 0), Usage(None, 1000, 500)),
        (Usage(None), PRICES, Usage(None)),
    ],
)
def test_an_unknown_cost_is_never_0(usage: Usage, prices: PriceTable, priced: Usage) -> None:
    assert prices.priced(usage) == priced


def test_the_worst_case_is_never_below_the_bill() -> None:
    assert PRICES.worst_text_usd(4000, 8000) == pytest.approx(0.02)
    assert UNKNOWN.worst_text_usd(4000, 8000) is None
    assert PRICES.worst_image_usd(512, 512) == 0.5
    assert PRICES.worst_image_usd(2048, 1024) == 1.0
