"""What earlier training jobs of a model took: how long they trained, and how often they were interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frugal.aws import clients
from frugal.jobs import bills

JOBS = 10
# One interruption in twenty hours is assumed before there is experience, and weighs as much as twenty hours of it.
# AWS publishes no rate for SageMaker.
ASSUMED_HOURS = 20.0
ASSUMED_INTERRUPTIONS = 1.0


@dataclass(frozen=True)
class Experience:
    """`seconds` of the newest completed training on the first rung's instance; None when there is none.

    `hours` of spot and the `interruptions` in them are those of the last jobs.
    """

    job: str | None = None
    seconds: float | None = None
    hours: float = 0.0
    interruptions: int = 0

    @property
    def interruptions_per_hour(self) -> float:
        """Expected on spot: what was seen, and what is assumed before much was seen."""
        seen = self.interruptions + ASSUMED_INTERRUPTIONS
        return seen / (self.hours + ASSUMED_HOURS)

    def sentence(self, seconds: float) -> str:
        """Where the expected `seconds` come from."""
        source = "train.max_run: no earlier job" if self.job is None else self.job
        return f"{seconds:.0f} s of training expected, as of {source}"


def experience(base_name: str, speeds: Mapping[str, float]) -> Experience:
    """Of the last completed training jobs in the run's own region whose names start with `base_name`.

    `speeds` says how many times as fast as the first rung an instance type trains; 1 for any other.
    """
    sagemaker = clients.client("sagemaker")
    listed = sagemaker.list_training_jobs(
        NameContains=base_name,
        StatusEquals="Completed",
        SortBy="CreationTime",
        SortOrder="Descending",
        MaxResults=JOBS,
    )["TrainingJobSummaries"]
    names = [job["TrainingJobName"] for job in listed]
    jobs: list[Mapping[str, Any]] = [
        sagemaker.describe_training_job(TrainingJobName=name)
        for name in names
        if name.startswith(f"{base_name}-")
    ]
    if not jobs:
        return Experience()
    newest, *older = map(bills.training, jobs)
    on_spot = [bill for bill in (newest, *older) if bill.spot]
    return Experience(
        job=jobs[0]["TrainingJobName"],
        seconds=newest.seconds_run * speeds.get(newest.instance or "", 1.0),
        hours=sum(bill.seconds_run for bill in on_spot) / 3600,
        interruptions=sum(bill.interruptions for bill in on_spot),
    )
