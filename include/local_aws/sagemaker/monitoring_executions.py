"""Executions of monitoring schedules: each a processing job, of model quality two.

    due -> [groundtruth-merge-<time>-<id>] -> <type>-monitoring-<time>-<id> -> Completed[WithViolations]

An execution's record says how far it came, so that it goes on after a restart. Names, inputs, outputs and
environments are those of a published log of such jobs; that data quality's jobs are called
data-quality-monitoring-..., and that no tags of the schedule go to its jobs, is not verified. As long as
AWS's hours are shorter than an hour here, what an execution writes is kept apart by minute and second.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from local_aws import clock
from local_aws.errors import AwsError
from local_aws.execution.states import PROCESSING, SCHEDULE, now
from local_aws.sagemaker import monitoring_jobs as jobs
from local_aws.sagemaker.monitoring_definitions import KINDS, MODEL_QUALITY
from local_aws.sagemaker.monitoring_times import LATE, NOW, Times
from local_aws.sagemaker.registry import Call
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App

EXECUTION = "monitoring-execution"
VIOLATED = "CompletedWithViolations"
ENDED = frozenset({"Completed", VIOLATED, "Failed", "Stopped"})
NO_DATA = "Job inputs had no data"
LOOK = 0.2


def ended(execution: Record) -> bool:
    return execution["MonitoringExecutionStatus"] in ENDED


def all_of(call: Call) -> list[Record]:
    """All executions of the region, those of deleted schedules too."""
    return call.app.store.all(EXECUTION, call.region)


def of(call: Call, schedule: str) -> list[Record]:
    """A schedule's executions, the first one first."""
    found = [r for r in all_of(call) if r["MonitoringScheduleName"] == schedule]
    return sorted(found, key=lambda record: record["CreationTime"])


def enter(call: Call, name: str) -> None:
    """Have the schedule's next execution begin when it is due."""
    schedule = call.app.store.get(SCHEDULE, call.region, name)
    if schedule is None or schedule["MonitoringScheduleStatus"] != "Scheduled":
        return
    scale = call.app.cloudwatch.clock.scale
    config = schedule["MonitoringScheduleConfig"]["ScheduleConfig"]
    since = schedule["_since"]
    at = since if config["ScheduleExpression"] == NOW else Times.read(config).next(since, scale)
    if at is not None:
        late = 0.0 if config["ScheduleExpression"] == NOW else LATE * scale
        begins = partial(_begin, call.app, call.region, name, since, at)
        call.app.timetable.at(at + late, begins)


def settle(app: App) -> None:
    """After a restart: schedules are due again, executions go on with what their jobs have come to."""
    for region, name, _ in app.store.every(SCHEDULE):
        enter(Call(app, region), name)
    for region, name, record in app.store.every(EXECUTION):
        if not ended(record):
            _look_later(app, region, name)


def _begin(app: App, region: str, name: str, since: float, at: float) -> None:
    """Begin what was due at `at`, unless the schedule was changed since. What more was missed is skipped,
    as AWS starts nothing twice for a time that has passed."""
    call = Call(app, region)
    schedule = app.store.get(SCHEDULE, region, name)
    if schedule is None or schedule["_since"] != since:
        return
    if schedule["MonitoringScheduleStatus"] != "Scheduled":
        return
    config = schedule["MonitoringScheduleConfig"]["ScheduleConfig"]
    if config["ScheduleExpression"] == NOW:
        app.store.update(SCHEDULE, region, name, _stopped)
    else:
        scale, times = app.cloudwatch.clock.scale, Times.read(config)
        last = at
        while (after := times.next(last, scale)) and after + LATE * scale <= clock.now():
            last = after
        at = last
        app.store.update(SCHEDULE, region, name, lambda record: record.update(_since=at))
        enter(call, name)
    _execute(call, schedule, at)


def _stopped(schedule: Record) -> None:
    schedule.update(MonitoringScheduleStatus="Stopped", LastModifiedTime=now())


def _execute(call: Call, schedule: Record, at: float) -> None:
    suffix = f"{datetime.fromtimestamp(at, UTC):%Y%m%d%H%M}-{uuid.uuid4().hex[:24]}"
    name = f"{schedule['MonitoringScheduleName']}/{suffix}"
    config = schedule["MonitoringScheduleConfig"]
    times, scale = Times.read(config["ScheduleConfig"]), call.app.cloudwatch.clock.scale
    record: Record = {
        "_name": name,
        "_suffix": suffix,
        "_scale": scale,
        "_window": times.window(at, scale),
        "_config": config,
        "MonitoringScheduleName": schedule["MonitoringScheduleName"],
        "MonitoringScheduleArn": schedule["MonitoringScheduleArn"],
        "MonitoringType": schedule["MonitoringType"],
        "MonitoringJobDefinitionName": config["MonitoringJobDefinitionName"],
        "EndpointName": schedule["EndpointName"],
        "ScheduledTime": at,
        "CreationTime": now(),
        "LastModifiedTime": now(),
        "MonitoringExecutionStatus": "Pending",
    }
    call.app.store.create(EXECUTION, call.region, name, record)
    merges = schedule["MonitoringType"] == MODEL_QUALITY.type
    _start(call, name, jobs.merge if merges else jobs.analysis)


def _start(call: Call, name: str, job: jobs.Builder) -> None:
    """Start one of the execution's jobs, or let it fail for want of data."""
    execution = call.app.store.get(EXECUTION, call.region, name)
    assert execution is not None
    kind = KINDS[execution["MonitoringType"]]
    try:
        definition = kind.find(call, execution["MonitoringJobDefinitionName"])
        arn = jobs.start(call, job(call, kind, definition, execution))
    except jobs.NoData:
        _move(call, name, "Failed", FailureReason=NO_DATA)
        return
    except AwsError as error:
        _move(call, name, "Failed", FailureReason=f"{error.code}: {error.message}"[:1024])
        return
    _move(call, name, "InProgress", ProcessingJobArn=arn)
    _look_later(call.app, call.region, name)


def _look_later(app: App, region: str, name: str) -> None:
    app.timetable.at(clock.now() + LOOK, partial(_look, app, region, name))


def _look(app: App, region: str, name: str) -> None:
    """Take over what became of the execution's job."""
    call, execution = Call(app, region), app.store.get(EXECUTION, region, name)
    if execution is None or ended(execution):
        return
    job_name = execution.get("ProcessingJobArn", "").rpartition("/")[2]
    job = app.store.get(PROCESSING.kind, region, job_name)
    if job is None:
        _move(call, name, "Failed", FailureReason="InternalServerError: its job is gone")
    elif not PROCESSING.done(job):
        _look_later(app, region, name)
    elif job[PROCESSING.status] != PROCESSING.completed:
        reason = {"FailureReason": job["FailureReason"]} if "FailureReason" in job else {}
        _move(call, name, job[PROCESSING.status], **reason)
    elif job_name.startswith(jobs.MERGE):
        _start(call, name, jobs.analysis)
    else:
        violated = job.get("ExitMessage", "").startswith(VIOLATED)
        reason = {"FailureReason": job["ExitMessage"]} if violated else {}
        _move(call, name, VIOLATED if violated else "Completed", **reason)


def _move(call: Call, name: str, status: str, **members: str) -> None:
    members["MonitoringExecutionStatus"] = status
    call.app.store.update(
        EXECUTION,
        call.region,
        name,
        lambda record: record.update(members, LastModifiedTime=now()),
    )
