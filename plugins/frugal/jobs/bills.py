"""What AWS says that a job ran and billed, read from its description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Description = Mapping[str, Any]


@dataclass(frozen=True)
class Bill:
    """What AWS says it ran and billed. Seconds are of one instance; cost multiplies by `instances`.

    `seconds_waiting` is what interruptions took until training went on; `seconds_to_start` what passed before it
    began, or until it gave up.
    """

    seconds_run: float
    seconds_billed: float
    instance: str | None
    instances: int = 1
    spot: bool = False
    interruptions: int = 0
    seconds_waiting: float = 0.0
    seconds_to_start: float = 0.0


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return (end - start).total_seconds() if start and end else 0.0


def training(description: Description) -> Bill:
    """BillableTimeInSeconds and TrainingTimeInSeconds are DescribeTrainingJob's; both are absent on a
    spot job that never got capacity, which bills nothing.
    """
    resources = description["ResourceConfig"]
    transitions = description.get("SecondaryStatusTransitions", [])
    waiting = 0.0
    for index, step in enumerate(transitions):
        if step["Status"] == "Interrupted":
            later = (s["StartTime"] for s in transitions[index + 1 :] if s["Status"] == "Training")
            waiting += _seconds(step["StartTime"], next(later, None))
    began = description.get("TrainingStartTime") or description.get("LastModifiedTime")
    return Bill(
        seconds_run=description.get("TrainingTimeInSeconds", 0),
        seconds_billed=description.get("BillableTimeInSeconds", 0),
        instance=resources.get("InstanceType"),
        instances=resources.get("InstanceCount", 1),
        spot=description.get("EnableManagedSpotTraining", False),
        interruptions=sum(step["Status"] == "Interrupted" for step in transitions),
        seconds_waiting=waiting,
        seconds_to_start=_seconds(description.get("CreationTime"), began),
    )


def processing(description: Description) -> Bill:
    """Processing bills from ProcessingStartTime to ProcessingEndTime."""
    cluster = description["ProcessingResources"]["ClusterConfig"]
    seconds = _seconds(description.get("ProcessingStartTime"), description.get("ProcessingEndTime"))
    return Bill(seconds, seconds, cluster["InstanceType"], cluster["InstanceCount"])


def compilation(description: Description) -> Bill:
    """Neo compiles at no charge of its own; `instance` is the price table's key for that."""
    seconds = _seconds(
        description.get("CompilationStartTime"), description.get("CompilationEndTime")
    )
    return Bill(seconds, seconds, "neo-compilation")


def endpoint(description: Description) -> Bill:
    """An endpoint bills by the hour or request for as long as it stands, not for being deployed."""
    return Bill(0.0, 0.0, None)


def transform(description: Description) -> Bill:
    """DescribeTransformJob: billed from TransformStartTime to TransformEndTime."""
    resources = description["TransformResources"]
    seconds = _seconds(description.get("TransformStartTime"), description.get("TransformEndTime"))
    return Bill(seconds, seconds, resources["InstanceType"], resources["InstanceCount"])


def tuning(description: Description) -> Bill:
    """The sum of the training jobs' bills: a tuning job itself costs nothing. `seconds_run` is its own time.

    `description` holds its training jobs, each described, as "TrainingJobs". Seconds billed are of one
    instance: those of jobs on more instances count that many times.
    """
    jobs = [training(job) for job in description.get("TrainingJobs", [])]
    return Bill(
        seconds_run=_seconds(
            description["CreationTime"], description.get("HyperParameterTuningEndTime")
        ),
        seconds_billed=sum(job.seconds_billed * job.instances for job in jobs),
        instance=jobs[0].instance if jobs else None,
        spot=any(job.spot for job in jobs),
        interruptions=sum(job.interruptions for job in jobs),
        seconds_waiting=sum(job.seconds_waiting for job in jobs),
    )


def inference_component(description: Description) -> Bill:
    """Its copies run on the endpoint's instances, which bill: it adds none of its own."""
    return Bill(0.0, 0.0, None)
