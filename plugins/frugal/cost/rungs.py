"""What became of each rung of the capacity ladder: which ran, which did not, why, and what each took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from frugal.cost.report import Priced, Result, total

GIB = 2**30
OUTCOMES = {None: "ran", "CapacityUnavailable": "no capacity", "JobStopped": "stopped"}


def capacity_report(
    ladder: Mapping[str, Any],
    jobs: Sequence[Result],
    transfers: Iterable[Mapping[str, Any]],
    priced: Priced,
) -> dict[str, Any]:
    """The report's section `capacity`.

    `ladder` is a `Ladder` as JSON; `jobs` are the training jobs, each with its rung; `transfers` are what moved
    between regions ({"from", "to", "bytes"}). Costs are in USD, None when a price is unknown.
    """
    moved = [{**transfer, "cost": _transfer_cost(transfer, priced)} for transfer in transfers]
    tried = [
        _line(rung, [job for job in jobs if job.get("rung") == rung["index"]], priced)
        for rung in ladder["rungs"]
    ]
    left_out = [_line(rung, [], priced, "left out") for rung in ladder["left_out"]]
    return {
        "order": ladder["reason"],
        "ran": next((line["rung"] for line in tried if line["outcome"] == "ran"), None),
        "rungs": [*tried, *left_out],
        "transfers": moved,
        "transfer_cost": total(transfer["cost"] for transfer in moved),
    }


def _line(
    rung: Mapping[str, Any], jobs: Sequence[Result], priced: Priced, outcome: str | None = None
) -> dict[str, Any]:
    """One rung; `rung` counts from 1, as people read model.yaml. Its last job tells how it went."""
    last = jobs[-1] if jobs else None
    return {
        "rung": rung["index"] + 1,
        "instance": rung["instance"],
        "spot": rung["spot"],
        "region": rung["region"],
        "patience": rung["patience"],
        "expected_cost": rung["cost"],
        "reason": rung["reason"],
        "outcome": outcome or (_outcome(last) if last else "not reached"),
        "jobs": len(jobs),
        "seconds_waited": sum(
            job.get("seconds_to_start", 0) + job["seconds_waiting"] for job in jobs
        ),
        "seconds_billed": sum(job["seconds_billed"] for job in jobs),
        "interruptions": sum(job["interruptions"] for job in jobs),
        "cost": total(priced.cost(job["seconds_billed"], job) for job in jobs),
    }


def _outcome(job: Result) -> str:
    if not job.get("is_over", True):
        return "still running"
    return OUTCOMES.get(job.get("error"), "failed")


def _transfer_cost(transfer: Mapping[str, Any], priced: Priced) -> float | None:
    price = priced.table.usage("region_transfer_gb", transfer["from"])
    return None if price is None else transfer["bytes"] / GIB * price
