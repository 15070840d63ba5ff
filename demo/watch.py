"""Follows a DAG run to its end, and reclaims the training job's spot capacity once on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from demo.api import UNFINISHED, AirflowApi
from demo.aws import LocalAws
from demo.home import REGION, DemoError
from demo.jobs import RunningJob, has_checkpoint, running_jobs
from frugal.cost.prices import price_table

LOOK_SECONDS = 0.4
LIMIT_SECONDS = 900.0
ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")


@dataclass(frozen=True)
class Line:
    """One task as it is shown. `seconds` since it first started; `cost` in USD, None when unknown.

    `at_most` marks the cost of a spot job that still runs: what it bills is known when it ends.
    """

    task: str
    state: str
    seconds: float | None
    cost: float | None
    detail: str = ""
    at_most: bool = False


@dataclass
class Watcher:
    """Looks at Airflow and at AWS until the run ends.

    `run` is Airflow's id of the DAG run; `interrupted` is the training job that lost its capacity.
    """

    api: AirflowApi
    aws: LocalAws
    run: str
    interrupt: bool
    check: Callable[[], None]
    limit_seconds: float = LIMIT_SECONDS
    interrupted: str | None = None
    first_start: dict[str, datetime] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)

    def follow(self, show: Callable[[list[Line]], None]) -> str:
        """Show every look until the run is over; its state. Raises DemoError when it takes too long."""
        deadline = time.monotonic() + self.limit_seconds
        while True:
            self.check()
            state = self.api.state(self.run)
            show(self.look())
            if state not in UNFINISHED:
                return state
            if time.monotonic() > deadline:
                raise DemoError(
                    f"the run is still {state} after {self.limit_seconds:.0f} s; "
                    "--limit gives it longer"
                )
            time.sleep(LOOK_SECONDS)

    def look(self) -> list[Line]:
        """Every task as it is now, in the order in which they start."""
        tasks = self.api.tasks(self.run)
        for task in tasks:
            self._remember(task)
        prepared = self.results.get("prepare")
        jobs = list(running_jobs(self._sagemaker, prepared["id"])) if prepared else []
        for job in jobs:
            self._reclaim(job)
        by_stage = {job.stage: job for job in jobs}
        return [
            self._line(task, by_stage.get(task["task_id"])) for task in sorted(tasks, key=in_order)
        ]

    @property
    def _sagemaker(self) -> Any:
        return self.aws.client("sagemaker")

    def _remember(self, task: dict[str, Any]) -> None:
        name = task["task_id"]
        if task["start_date"]:
            self.first_start.setdefault(name, datetime.fromisoformat(task["start_date"]))
        if task["state"] == "success" and name not in self.results:
            self.results[name] = self.api.result(self.run, name)

    def _reclaim(self, job: RunningJob) -> None:
        """Interrupt the training job once, in mid-training, when a checkpoint is in S3."""
        if (
            not self.interrupt
            or self.interrupted
            or not job.spot
            or (job.kind, job.status) != ("Training", "Training")
        ):
            return
        there = has_checkpoint(self.aws.client("s3"), job.description)
        if there and self.aws.interrupt(job.name):
            self.interrupted = job.name

    def _line(self, task: dict[str, Any], job: RunningJob | None) -> Line:
        name, state = task["task_id"], task["state"] or "waiting"
        seconds = None
        if started := self.first_start.get(name):
            end = datetime.fromisoformat(task["end_date"]) if state in ENDED else datetime.now(UTC)
            seconds = (end - started).total_seconds()
        if job:
            where = f"{job.instance or 'no instance'}{' spot' if job.spot else ''}"
            again = ", capacity reclaimed once" if self.interrupted == job.name else ""
            return Line(
                name, "running", seconds, job.cost, f"{job.status}, {where}{again}", job.spot
            )
        shown = "running" if state == "deferred" else state
        result = self.results.get(name)
        return Line(name, shown, seconds, billed(result), note(result))


def in_order(task: dict[str, Any]) -> tuple[str, int]:
    """By start; what has not started yet comes last, upstream first: weights count what is downstream."""
    return (task["start_date"] or "9999", -task["priority_weight"])


def billed(result: Any) -> float | None:
    """What a finished job billed, by AWS's own seconds; None for a task that is no job."""
    if not isinstance(result, dict) or "seconds_billed" not in result:
        return None
    instances = result.get("instances", 1)
    return price_table().cost(result["seconds_billed"], result.get("instance"), REGION, instances)


def note(result: Any) -> str:
    """What is worth a word about a finished task."""
    if not isinstance(result, dict):
        return ""
    if result.get("reused"):
        return "reused, nothing started"
    return str(result.get("note") or result.get("job") or "")
