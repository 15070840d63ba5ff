"""What became of a cell, read from AWS and Airflow, and what of it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.faults.matrix import Right
from tests.faults.task_run import DELETED, TaskRun

#: Seconds that the end of a job may take once nobody wants it. What runs after them is left running.
STOPPED_WITHIN = 90.0


@dataclass(frozen=True)
class Outcome:
    """Jobs that AWS ever had of the DAG run `run`, those still running, seconds it billed or would by now, how many
    of these bought nothing, and the task's last state. Seconds are None of kinds whose bill is another's.
    """

    run: str
    jobs: int
    running: int
    billed: float | None
    in_vain: float | None
    state: str
    attempts: int
    lost_too_much: bool = False
    problem: str = ""
    notes: list[str] = field(default_factory=list)

    def wrong(self, right: Right) -> list[str]:
        """Why it is wrong, nothing when it is right."""
        reasons = [self.problem] if self.problem else []
        if self.jobs != right.jobs:
            reasons.append(f"{self.jobs} jobs, not {right.jobs}")
        if self.running:
            reasons.append(f"{self.running} left running")
        if self.state != right.state:
            reasons.append(f"the task is {self.state or 'not started'}, not {right.state}")
        if (self.in_vain or 0) > STOPPED_WITHIN:
            reasons.append(f"{self.in_vain:.0f} s paid in vain")
        if self.lost_too_much:
            reasons.append("more progress lost than since the last checkpoint")
        return reasons


def outcome_of(run: TaskRun, problem: str = "") -> Outcome:
    """The outcome of a run that came to rest, or had a problem before."""
    now = datetime.now(UTC)
    spans = []
    for name, _ in sorted(
        (key for key, status in run.jobs.items() if status != DELETED), key=lambda key: key[1]
    ):
        found = run.kind.find(run.cluster.sagemaker, name)
        if found is not None and (span := span_of(run, found, now)):
            spans.append(span)
    bills = run.kind.one_per_attempt
    return Outcome(
        run=run.id,
        jobs=len(run.jobs),
        running=len(run.running),
        billed=sum(span.billed for span in spans) if bills else None,
        in_vain=in_vain(spans, run.unwanted) if bills else None,
        state=run.state,
        attempts=run.attempts,
        lost_too_much=run.lost_too_much,
        problem=problem,
        notes=run.notes,
    )


@dataclass(frozen=True)
class Span:
    """A job's time on capacity, and the seconds billed for it."""

    created: datetime
    start: datetime
    end: datetime
    billed: float


def span_of(run: TaskRun, description: Mapping[str, Any], now: datetime) -> Span | None:
    """A job's span; one that runs bills until now. None of a job that never had capacity."""
    noun = run.kind.name_key.removesuffix("Name").removesuffix("Job")
    created = description["CreationTime"]
    start = description.get(f"{noun}StartTime")
    end = description.get(f"{noun}EndTime")
    if noun == "HyperParameterTuning":
        start = created
    if start is None:
        return None
    billed = run.kind.bill(description).seconds_billed
    if not run.kind.is_over(description):
        end = now
        billed = (now - start).total_seconds()
    return Span(created, start, end or now, billed)


def in_vain(spans: list[Span], unwanted: list[datetime]) -> float:
    """Billed seconds that bought nothing: of a job while another of the run was at work, or after its task
    had no use for it any more.
    """
    vain, covered = 0.0, datetime.min.replace(tzinfo=UTC)
    for span in spans:
        length = (span.end - span.start).total_seconds()
        last = min([span.end, *(at for at in unwanted if at > span.created)])
        wanted = (last - max(span.start, covered)).total_seconds()
        covered = max(covered, last)
        if length > 0:
            vain += span.billed * (1 - max(0.0, min(wanted, length)) / length)
    return vain
