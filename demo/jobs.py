"""What runs on AWS right now for one DAG run, found by its tags as any outsider would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from demo.home import REGION
from frugal.cost.prices import price_table


@dataclass(frozen=True)
class Kind:
    """How to find the jobs of one kind: botocore's names of calls and fields."""

    name: str
    running: str
    cluster: tuple[str, ...]
    started: str
    detail: str

    def list_running(self, client: Any) -> list[dict[str, Any]]:
        """Summaries of the jobs in progress."""
        call = getattr(client, f"list_{self.name.lower()}_jobs")
        summaries: list[dict[str, Any]] = call(StatusEquals=self.running)[
            f"{self.name}JobSummaries"
        ]
        return summaries

    def describe(self, client: Any, name: str) -> dict[str, Any]:
        """The job's description."""
        call = getattr(client, f"describe_{self.name.lower()}_job")
        description: dict[str, Any] = call(**{f"{self.name}JobName": name})
        return description


KINDS = (
    Kind(
        "Processing",
        "InProgress",
        ("ProcessingResources", "ClusterConfig"),
        "ProcessingStartTime",
        "ProcessingJobStatus",
    ),
    Kind("Training", "InProgress", ("ResourceConfig",), "TrainingStartTime", "SecondaryStatus"),
    Kind("Compilation", "INPROGRESS", (), "CompilationStartTime", "CompilationJobStatus"),
)


@dataclass(frozen=True)
class RunningJob:
    """A job in progress. `cost` is what it would bill at on-demand prices if it ended now; None is unknown."""

    name: str
    kind: str
    stage: str
    status: str
    instance: str | None
    spot: bool
    seconds: float
    cost: float | None
    description: dict[str, Any]


def running_jobs(client: Any, run_id: str) -> Iterator[RunningJob]:
    """The jobs in progress that carry this run's tag."""
    for kind in KINDS:
        for summary in kind.list_running(client):
            tags = tags_of(client, summary[f"{kind.name}JobArn"])
            if tags.get("frugal:run") != run_id:
                continue
            name = summary[f"{kind.name}JobName"]
            yield seen(kind, name, tags.get("frugal:stage", ""), kind.describe(client, name))


def seen(kind: Kind, name: str, stage: str, description: dict[str, Any]) -> RunningJob:
    """A running job from its description."""
    cluster = description
    for key in kind.cluster:
        cluster = cluster.get(key, {})
    started = description.get(kind.started)
    seconds = (datetime.now(UTC) - started).total_seconds() if started else 0.0
    instance = cluster.get("InstanceType")
    return RunningJob(
        name=name,
        kind=kind.name,
        stage=stage,
        status=description[kind.detail],
        instance=instance,
        spot=description.get("EnableManagedSpotTraining", False),
        seconds=max(seconds, 0.0),
        cost=price_table().cost(seconds, instance, REGION) if instance else 0.0,
        description=description,
    )


@cache
def tags_of(client: Any, arn: str) -> dict[str, str]:
    """Tags of a resource; they do not change while a job runs."""
    return {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]}


def has_checkpoint(s3: Any, description: dict[str, Any]) -> bool:
    """Whether a training job left anything under its checkpoint prefix."""
    bucket, _, prefix = (
        description["CheckpointConfig"]["S3Uri"].removeprefix("s3://").partition("/")
    )
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix.rstrip("/") + "/", MaxKeys=1)
    return bool(listed["KeyCount"])
