"""What the report says of each rung."""

from __future__ import annotations

from typing import Any

import pytest

from frugal.cost.prices import PriceTable
from frugal.cost.report import Priced, run_report
from frugal.cost.rungs import capacity_report
from frugal.jobs.capacity import Demand, Quote, Rung, choose

HOME, AWAY = "us-east-1", "eu-west-1"
HOURS = {HOME: {"ml.m5.xlarge": 0.36}, AWAY: {"ml.m5.xlarge": 0.72}}
USAGE = {HOME: {"region_transfer_gb": 0.02}}
PRICED = Priced(PriceTable("2026-11-22", "USD", HOURS, USAGE), HOME)
LADDER = choose(
    [
        Rung(0, "ml.m5.xlarge", spot=True, region=HOME, patience=600),
        Rung(1, "ml.m5.xlarge", spot=True, region=AWAY, patience=600),
        Rung(2, "ml.c5.xlarge", spot=True, region=HOME),
        Rung(3, "ml.m5.xlarge", spot=False, region=HOME),
    ],
    [Quote(0.1), Quote(0.2, transfer=0.01), Quote(0.4), Quote(0.36)],
    Demand(3600, 60),
    "as-written",
).as_json()


def job(rung: int, **changes: Any) -> dict[str, Any]:
    return {
        "rung": rung,
        "region": HOME,
        "instance": "ml.m5.xlarge",
        "instances": 1,
        "seconds_run": 0,
        "seconds_billed": 0,
        "seconds_to_start": 0.0,
        "seconds_waiting": 0.0,
        "interruptions": 0,
        "is_over": True,
        "error": None,
        **changes,
    }


JOBS = [
    job(0, error="CapacityUnavailable", seconds_to_start=600.0),
    job(1, region=AWAY, seconds_run=100, seconds_billed=30, seconds_waiting=4.0, interruptions=1),
]
GIB = 2**30
MOVED = [{"from": HOME, "to": AWAY, "bytes": GIB}]


def test_each_rung_says_what_became_of_it_and_why() -> None:
    report = capacity_report(LADDER, JOBS, MOVED, PRICED)
    outcomes = [(line["rung"], line["outcome"]) for line in report["rungs"]]
    assert outcomes == [(1, "no capacity"), (2, "ran"), (4, "not reached"), (3, "left out")]
    assert report["ran"] == 2
    none, ran, _, left = report["rungs"]
    assert (none["seconds_waited"], none["cost"]) == (600.0, 0.0)
    assert (ran["seconds_waited"], ran["seconds_billed"], ran["interruptions"]) == (4.0, 30, 1)
    assert ran["cost"] == pytest.approx(30 / 3600 * 0.72), "priced in its own region"
    assert "above the 0.3600 USD" in left["reason"]


def test_a_transfer_is_part_of_what_the_run_cost() -> None:
    capacity = capacity_report(LADDER, JOBS, MOVED, PRICED)
    assert capacity["transfer_cost"] == pytest.approx(0.02)
    states, jobs = {"train": "success"}, {"train": [{**one, "spot": True} for one in JOBS]}
    report = run_report({"train": None}, states, jobs, None, PRICED, capacity)
    assert report["cost"] == pytest.approx(0.02 + 30 / 3600 * 0.72)
    assert report["capacity"] == capacity


def test_a_transfer_of_unknown_price_makes_the_total_unknown() -> None:
    back = [{"from": AWAY, "to": HOME, "bytes": GIB}]
    assert capacity_report(LADDER, JOBS, back, PRICED)["transfer_cost"] is None


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        (job(0, error="AlgorithmFailed"), "failed"),
        (job(0, error="JobStopped"), "stopped"),
        (job(0, is_over=False), "still running"),
    ],
)
def test_a_run_that_did_not_train_says_so(last: dict[str, Any], outcome: str) -> None:
    report = capacity_report(LADDER, [last], [], PRICED)
    assert report["rungs"][0]["outcome"] == outcome
    assert report["ran"] is None
