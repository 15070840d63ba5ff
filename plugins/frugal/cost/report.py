"""The report of one run: what each stage did, billed, and would have cost without its technique."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frugal.cost.prices import PriceTable

Result = Mapping[str, Any]

STAGES = (
    "preprocess",
    "train",
    "evaluate",
    "compile",
    "check_compiled",
    "register",
    "deploy",
    "smoke_test",
    "baseline",
)
NAME_KEYS = {
    "training": "TrainingJobName",
    "processing": "ProcessingJobName",
    "compilation": "CompilationJobName",
    "endpoint": "EndpointName",
}


@dataclass(frozen=True)
class Priced:
    """A price table in one region."""

    table: PriceTable
    region: str

    def cost(self, seconds: float, result: Result) -> float | None:
        """Cost of `seconds` on the instances of a job's result."""
        return self.table.cost(
            seconds, result.get("instance"), self.region, result.get("instances", 1)
        )


def stage_report(name: str, state: str, result: Result | None, priced: Priced) -> dict[str, Any]:
    """One line of the report; costs are None when a price is unknown."""
    result = result or {}
    line: dict[str, Any] = {
        "name": name,
        "state": "reused" if result.get("reused") else state,
        "seconds_run": result.get("seconds_run", 0),
        "seconds_billed": result.get("seconds_billed", 0),
        "cost": priced.cost(result.get("seconds_billed", 0), result),
        "counterfactual_cost": priced.cost(result.get("seconds_run", 0), result),
        "technique": None,
        "instance": result.get("instance"),
        "spot": result.get("spot", False),
        "interruptions": result.get("interruptions", 0),
        "resources": _resources(result),
        "note": result.get("note"),
    }
    if result.get("reused"):
        line["technique"] = "prepared dataset reused"
        line["counterfactual_cost"] = priced.cost(result["document"].get("seconds", 0), result)
    elif result.get("spot"):
        line["technique"] = "managed spot"
    return line


def run_report(
    results: Mapping[str, Result | None],
    states: Mapping[str, str],
    training: Result | None,
    priced: Priced,
) -> dict[str, Any]:
    """Stages, totals, the price of interruptions, and what the run found out.

    `training` is the training.json that the training job left, for what interruptions repeated.
    """
    stages = [
        stage_report(name, states.get(name, "unknown"), results.get(name), priced)
        for name in STAGES
        if name in states
    ]
    manifest = _document(results, "preprocess") or {}
    return {
        "currency": priced.table.currency,
        "prices_as_of": priced.table.as_of,
        "stages": stages,
        "cost": _total(stages, "cost"),
        "counterfactual_cost": _total(stages, "counterfactual_cost"),
        "interruptions": _interruptions(results.get("train"), training, priced),
        "rows": manifest.get("rows"),
        "bytes": manifest.get("bytes"),
        "quarantine": manifest.get("quarantine"),
        "metrics": _document(results, "evaluate"),
        "compile": _document(results, "check_compiled") or _document(results, "compile"),
        "predictions": (results.get("smoke_test") or {}).get("predictions", []),
        "package": results.get("register"),
    }


def _interruptions(train: Result | None, training: Result | None, priced: Priced) -> dict[str, Any]:
    """How often, how long capacity was waited for, and what the repeated rounds billed."""
    train, training = train or {}, training or {}
    repeated = training.get("rounds_repeated", 0)
    trained = training.get("rounds", 0) + repeated
    share = repeated / trained if trained else 0.0
    return {
        "count": train.get("interruptions", 0),
        "seconds_waiting": train.get("seconds_waiting", 0.0),
        "rounds_repeated": repeated,
        "cost": priced.cost(share * train.get("seconds_billed", 0), train),
    }


def _document(results: Mapping[str, Result | None], stage: str) -> dict[str, Any] | None:
    return (results.get(stage) or {}).get("document")


def _resources(result: Result) -> dict[str, str]:
    key = NAME_KEYS.get(result.get("kind", ""))
    return {key: result["job"]} if key else {}


def _total(stages: list[dict[str, Any]], key: str) -> float | None:
    costs = [stage[key] for stage in stages]
    return None if None in costs else sum(costs)
