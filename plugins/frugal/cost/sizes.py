"""Instance types compared by what they did and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from frugal.cost.prices import PriceTable

Result = Mapping[str, Any]
NOT_MEASURED = "was not measured: its task failed"
UTILIZATION = 0.7  # of the most that an instance answered in time, for autoscaling to act before it is too late


def comparison(
    served: Mapping[str, Result | None],
    trained: Mapping[str, Result | None],
    rounds: int,
    prices: PriceTable,
    region: str,
) -> dict[str, Any]:
    """{"serving": [...], "training": [...], "prices_as_of"}, each list by cost, the cheapest first.

    `served` has load tests (serving/load_test/report.py) and `trained` results of training jobs of so many
    `rounds`, by instance type; None: not measured. An unknown price sorts last.
    """
    return {
        "prices_as_of": prices.as_of,
        "serving": _by("usd_per_million_requests", map(_served, served.items())),
        "training": _by(
            "usd_per_thousand_rounds",
            (
                _trained(instance, result, rounds, prices, region)
                for instance, result in trained.items()
            ),
        ),
    }


def _served(item: tuple[str, Result | None]) -> dict[str, Any]:
    instance, test = item
    if not test:
        return {"instance": instance, "error": NOT_MEASURED}
    at_rate = test["at_rate"] or {}
    return {
        "instance": instance,
        "requests_per_second": test["rate"],
        "limited_by_client": test["limited_by_client"],
        **{name: at_rate.get(name) for name in ("p50_ms", "p95_ms", "p99_ms", "errors")},
        "calm_p50_ms": test["calm"]["p50_ms"],
        "calm_p95_ms": test["calm"]["p95_ms"],
        "usd_per_million_requests": test["usd_per_million_requests"],
        "autoscale_target": round(test["rate"] * 60 * UTILIZATION),
        "error": None,
    }


def _trained(
    instance: str, result: Result | None, rounds: int, prices: PriceTable, region: str
) -> dict[str, Any]:
    if not result:
        return {"instance": instance, "error": NOT_MEASURED}
    seconds, billed = result["seconds_run"], result["seconds_billed"]
    cost = prices.cost(billed, result["instance"], region, result["instances"])
    return {
        "instance": instance,
        "seconds": seconds,
        "seconds_billed": billed,
        "interruptions": result["interruptions"],
        "rounds_per_second": rounds / seconds if seconds else None,
        "usd_per_thousand_rounds": None if cost is None else cost / rounds * 1000,
        "error": None,
    }


def _by(key: str, rows: Any) -> list[dict[str, Any]]:
    def cost(row: Mapping[str, Any]) -> float:
        value = row.get(key)
        return inf if value is None else float(value)

    return sorted(rows, key=cost)
