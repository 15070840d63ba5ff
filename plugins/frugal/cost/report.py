"""The report of one run: what each stage did, billed, and would have cost without its technique."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frugal.cost.prices import PriceTable

Result = Mapping[str, Any]

STAGES = (
    "preprocess",
    "train",
    "evaluate",
    "trace",
    "compile",
    "package",
    "check_compiled",
    "register",
    "publish_model",
    "create_model",
    "deploy",
    "component",
    "scale",
    "smoke_test",
    "go_live",
    "hand_over",
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
        """Cost of `seconds` on the instances of a job's result, in its own region if it names one."""
        region = result.get("region") or self.region
        return self.table.cost(seconds, result.get("instance"), region, result.get("instances", 1))


def stage_report(
    name: str, state: str, result: Result | None, jobs: Sequence[Result], priced: Priced
) -> dict[str, Any]:
    """One line of the report; costs are None when a price is unknown.

    `result` is what the task left, None when it failed or was skipped. `jobs` are all jobs that AWS ran for
    the stage in this run, failed and stopped ones and those of other rungs included: they bill, too.
    """
    result = result or {}
    last = result if result.get("instance") else (jobs[-1] if jobs else result)
    line: dict[str, Any] = {
        "name": name,
        "state": "reused" if result.get("reused") else state,
        "seconds_run": sum(job["seconds_run"] for job in jobs),
        "seconds_billed": sum(job["seconds_billed"] for job in jobs),
        "cost": total(priced.cost(job["seconds_billed"], job) for job in jobs),
        "counterfactual_cost": total(priced.cost(job["seconds_run"], job) for job in jobs),
        "technique": None,
        "instance": last.get("instance"),
        "spot": last.get("spot", False),
        "interruptions": sum(job["interruptions"] for job in jobs),
        "jobs": len(jobs),
        "resources": _resources(last),
        "note": result.get("note") or (None if result else last.get("reason")),
    }
    if result.get("reused"):
        line["technique"] = "prepared dataset reused"
        line["counterfactual_cost"] = priced.cost(result["document"].get("seconds", 0), result)
    elif last.get("spot"):
        line["technique"] = "managed spot"
    return line


def run_report(
    results: Mapping[str, Result | None],
    states: Mapping[str, str],
    jobs: Mapping[str, Sequence[Result]],
    training: Result | None,
    priced: Priced,
    capacity: Result | None = None,
) -> dict[str, Any]:
    """Stages, totals, the price of interruptions, and what the run found out.

    `jobs` holds each stage's jobs; `training` is the training.json that the training job left, for what
    interruptions repeated; `capacity` is what became of each rung (cost/rungs.py), whose transfers the run paid.
    """
    stages = [
        stage_report(name, states[name], results.get(name), jobs.get(name, ()), priced)
        for name in STAGES
        if name in states
    ]
    manifest = _document(results, "preprocess") or {}
    return {
        "currency": priced.table.currency,
        "prices_as_of": priced.table.as_of,
        "stages": stages,
        "cost": total(
            [*(stage["cost"] for stage in stages), (capacity or {}).get("transfer_cost", 0.0)]
        ),
        "counterfactual_cost": total(stage["counterfactual_cost"] for stage in stages),
        "interruptions": _interruptions(results.get("train"), training, priced),
        "capacity": capacity,
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


def total(costs: Iterable[float | None]) -> float | None:
    """Their sum; unknown when one of them is."""
    known = list(costs)
    return None if None in known else sum(cost for cost in known if cost is not None)
