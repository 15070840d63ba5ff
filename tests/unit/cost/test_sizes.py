"""Instance types compared by what they did and what that costs."""

from __future__ import annotations

from typing import Any

import pytest

from frugal.cost.prices import PriceTable
from frugal.cost.sizes import comparison
from frugal.serving.chooser.facts import ASSUMED

PRICES = PriceTable("2026-11-22", "USD", {"us-east-1": {"ml.m5.large": 0.1, "ml.m5.xlarge": 0.2}})


def load_test(rate: float, per_million: float | None) -> dict[str, Any]:
    best = {"p50_ms": 5.0, "p95_ms": 9.0, "p99_ms": 12.0, "errors": {}}
    return {
        "rate": rate,
        "limited_by_client": False,
        "at_rate": best if rate else None,
        "calm": {"p50_ms": 4.0, "p95_ms": 6.0},
        "usd_per_million_requests": per_million,
    }


def training(instance: str, seconds: float, billed: float) -> dict[str, Any]:
    return {
        "instance": instance,
        "instances": 1,
        "seconds_run": seconds,
        "seconds_billed": billed,
        "interruptions": 0,
    }


def test_the_cheapest_comes_first_and_the_unknown_last() -> None:
    served = {
        "dear": load_test(10, 3.0),
        "unknown": load_test(99, None),
        "cheap": load_test(20, 1.0),
    }
    rows = comparison(served, {}, 100, PRICES, "us-east-1")["serving"]
    assert [row["instance"] for row in rows] == ["cheap", "dear", "unknown"]
    assert rows[0]["autoscale_target"] == 20 * 60 * 0.7


def test_training_is_priced_by_the_work_and_by_what_was_billed() -> None:
    trained = {
        "ml.m5.large": training("ml.m5.large", 100, 30),
        "ml.m5.xlarge": training("ml.m5.xlarge", 60, 12),
    }
    rows = comparison({}, trained, 50, PRICES, "us-east-1")["training"]
    assert [row["instance"] for row in rows] == ["ml.m5.xlarge", "ml.m5.large"]
    assert rows[0]["usd_per_thousand_rounds"] == pytest.approx(12 / 3600 * 0.2 / 50 * 1000)
    assert rows[0]["rounds_per_second"] == pytest.approx(50 / 60)


def test_what_was_not_measured_says_so() -> None:
    document = comparison({"a": None}, {"b": None}, 50, PRICES, "us-east-1")
    for row in (*document["serving"], *document["training"]):
        assert "not measured" in row["error"]


def test_the_chooser_takes_rates_and_the_calm_latency() -> None:
    document = comparison(
        {"ml.m5.large": load_test(20, 1.0), "x": None}, {}, 50, PRICES, "us-east-1"
    )
    facts = ASSUMED.right_sized(document["serving"])
    assert facts.throughput == {"ml.m5.large": 20}
    assert (facts.request_ms, facts.spread) == (4.0, 1.5)
    assert ASSUMED.right_sized([]) == ASSUMED
