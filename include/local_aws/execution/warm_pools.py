"""Warm pools: what a training job ran on, kept after its end for another that matches it.

After the developer guide, "SageMaker AI Managed Warm Pools" (lifecycle, creation, matching training jobs).
Nothing is faster here on a pool. That a job shows InUse from its start on, and that a match without a
KeepAlivePeriodInSeconds ends the pool, is not verified against AWS.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from local_aws import clock
from local_aws.execution.states import TRAINING
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App

STATUS = "WarmPoolStatus"
AVAILABLE, REUSED, IN_USE, TERMINATED = "Available", "Reused", "InUse", "Terminated"

_MATCHING = (
    "RoleArn",
    "VpcConfig",
    *("EnableInterContainerTrafficEncryption", "EnableNetworkIsolation"),
)
_MATCHING_RESOURCES = ("InstanceCount", "InstanceType", "VolumeKmsKeyId", "VolumeSizeInGB")


def keep_alive(record: Record) -> int:
    """Seconds that a job's instances are kept for; 0 for not at all."""
    return int(record["ResourceConfig"].get("KeepAlivePeriodInSeconds", 0))


def status(record: Record) -> str | None:
    found = record.get(STATUS)
    return found["Status"] if found else None


def begun(record: Record) -> Record:
    """The members of a job that starts: its instances are to be kept, or not."""
    return {STATUS: {"Status": IN_USE}} if keep_alive(record) else {}


def claim(app: App, region: str, name: str) -> None:
    """Let a job that starts take over an available pool that matches it, if there is one."""
    job = app.store.get(TRAINING.kind, region, name)
    if job is None:
        return
    for other in app.store.all(TRAINING.kind, region):
        if status(other) == AVAILABLE and _matches(other, job) and _end(app, region, other, name):
            app.store.update(
                TRAINING.kind,
                region,
                name,
                lambda record: record.update({STATUS: {"Status": IN_USE}}),
            )
            return


def _matches(one: Record, other: Record) -> bool:
    first, second = one["ResourceConfig"], other["ResourceConfig"]
    return all(one.get(member) == other.get(member) for member in _MATCHING) and all(
        first.get(member) == second.get(member) for member in _MATCHING_RESOURCES
    )


def retained(record: Record, ended: str, reason: str | None) -> Record:
    """The members of a job that ends: its pool is available, unless AWS failed the job or it never
    started."""
    if STATUS not in record:
        return {}
    theirs = ended != "Failed" or (reason or "").startswith(("AlgorithmError", "ClientError"))
    if not (keep_alive(record) and theirs and "TrainingStartTime" in record):
        return {STATUS: {"Status": TERMINATED, "ResourceRetainedBillableTimeInSeconds": 0}}
    return {STATUS: {"Status": AVAILABLE}, "_retained": clock.now()}


def watch(app: App, region: str, name: str) -> None:
    """End the pool of a job when its time is over, which an update may have changed until then."""
    record = app.store.get(TRAINING.kind, region, name)
    if record and status(record) == AVAILABLE:
        app.timetable.at(_until(record), partial(_expire, app, region, name))


def keep(app: App, region: str, name: str, seconds: int) -> None:
    """Let an available pool last for so many seconds since its job ended; it ends now if these are over."""

    def change(latest: Record) -> None:
        latest["ResourceConfig"]["KeepAlivePeriodInSeconds"] = seconds

    app.store.update(TRAINING.kind, region, name, change)
    watch(app, region, name)
    app.timetable.run_due()


def _until(record: Record) -> float:
    return float(record["_retained"]) + keep_alive(record)


def _expire(app: App, region: str, name: str) -> None:
    record = app.store.get(TRAINING.kind, region, name)
    if record and status(record) == AVAILABLE and _until(record) <= clock.now():
        _end(app, region, record)


def _end(app: App, region: str, record: Record, reused_by: str | None = None) -> bool:
    """End an available pool now, for another job or for good; False when it has ended already."""
    ended = False

    def change(latest: Record) -> None:
        nonlocal ended
        if status(latest) == AVAILABLE:
            latest[STATUS] = shown(latest) | {"Status": REUSED if reused_by else TERMINATED}
            latest[STATUS] |= {"ReusedByJob": reused_by} if reused_by else {}
            ended = True

    app.store.update(TRAINING.kind, region, record["TrainingJobName"], change)
    return ended


def shown(record: Record) -> dict[str, Any]:
    """WarmPoolStatus with the time that is billed until now."""
    pool: dict[str, Any] = dict(record[STATUS])
    if pool["Status"] == AVAILABLE:
        kept = min(clock.now(), _until(record)) - record["_retained"]
        pool["ResourceRetainedBillableTimeInSeconds"] = max(0, math.ceil(kept))
    return pool


def settle(app: App) -> None:
    """After a restart: pools are kept for the rest of their time."""
    for region, name, _ in app.store.every(TRAINING.kind):
        watch(app, region, name)
