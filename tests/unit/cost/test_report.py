"""The arithmetic of a run's report."""

from __future__ import annotations

from typing import Any

import pytest

from frugal.cost.prices import PriceTable, price_table
from frugal.cost.report import Priced, run_report, stage_report

TABLE = PriceTable("2026-11-22", "USD", {"us-east-1": {"ml.m5.xlarge": 0.36}})
PRICED = Priced(TABLE, "us-east-1")


def training(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "training",
        "job": "churn-train-1",
        "instance": "ml.m5.xlarge",
        "instances": 1,
        "spot": True,
        "seconds_run": 100,
        "seconds_billed": 30,
        "interruptions": 1,
        "seconds_waiting": 4.0,
        **changes,
    }


def test_spot_is_compared_with_on_demand_for_the_same_seconds() -> None:
    line = stage_report("train", "success", training(), [training()], PRICED)
    assert line["cost"] == pytest.approx(0.003)
    assert line["counterfactual_cost"] == pytest.approx(0.01)
    assert line["technique"] == "managed spot"
    assert line["resources"] == {"TrainingJobName": "churn-train-1"}


def test_instances_multiply() -> None:
    job = training(instances=3)
    line = stage_report("train", "success", job, [job], PRICED)
    assert line["cost"] == pytest.approx(0.009)


def test_what_failed_or_moved_on_is_paid_too() -> None:
    lost = training(job="churn-train-0", seconds_run=10, seconds_billed=3, interruptions=0)
    line = stage_report("train", "success", training(), [lost, training()], PRICED)
    assert line["cost"] == pytest.approx(0.0033)
    assert (line["jobs"], line["interruptions"]) == (2, 1)


def test_a_failed_stage_says_what_it_cost_and_why() -> None:
    failed = training(reason="AlgorithmError: no column price", spot=False, seconds_billed=100)
    line = stage_report("train", "failed", None, [failed], PRICED)
    assert line["cost"] == pytest.approx(0.01)
    assert line["note"] == "AlgorithmError: no column price"
    assert line["resources"] == {"TrainingJobName": "churn-train-1"}


def test_a_reused_dataset_costs_nothing_and_saves_what_making_it_took() -> None:
    reused = {
        "reused": True,
        "seconds_run": 0,
        "seconds_billed": 0,
        "instance": "ml.m5.xlarge",
        "document": {"seconds": 50},
    }
    line = stage_report("preprocess", "success", reused, [], PRICED)
    assert (line["state"], line["cost"]) == ("reused", 0.0)
    assert line["counterfactual_cost"] == pytest.approx(0.005)


def test_an_unknown_price_is_unknown_and_so_is_the_total() -> None:
    job = training(instance="ml.p9.large")
    report = run_report({"train": job}, {"train": "success"}, {"train": [job]}, None, PRICED)
    assert report["stages"][0]["cost"] is None
    assert report["cost"] is None


def test_interruptions_are_priced_by_the_rounds_that_were_repeated() -> None:
    report = run_report(
        {"train": training()},
        {"train": "success"},
        {"train": [training()]},
        {"rounds": 90, "rounds_repeated": 10},
        PRICED,
    )
    assert report["interruptions"] == {
        "count": 1,
        "seconds_waiting": 4.0,
        "rounds_repeated": 10,
        "cost": pytest.approx(0.0003),
    }


def test_the_shipped_table_is_dated_and_knows_the_example() -> None:
    table = price_table()
    assert table.as_of >= "2026-01-01"
    assert table.hour("ml.m5.large", "us-east-1") == 0.115
    assert table.hour("ml.m5.large", "mars-1") is None
