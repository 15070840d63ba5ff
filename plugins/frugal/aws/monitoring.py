"""Model Monitor's schedules: brought to what is asked for, and taken away in the order that AWS demands.

executions in progress -> schedule -> job definition, all before the endpoint
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from frugal.aws.clients import client
from frugal.aws.names import DIGEST_LENGTH
from frugal.aws.ownership import foreign

NOUNS = {"DataQuality": "data_quality", "ModelQuality": "model_quality"}
UNDERWAY = ("Pending", "InProgress", "Stopping")
PATIENCE_SECONDS = 900.0
LOOK_SECONDS = 1.0
#: What an account that has no Model Monitor is told, as far as error codes go; AWS does not say which it is.
CLOSED = re.compile(r"AccessDenied|OptInRequired|SubscriptionRequired|UnknownOperation|Unsupported")


class Unavailable(Exception):
    """This account, or this role, has no Model Monitor."""


class Foreign(Exception):
    """There is a schedule or a job definition of that name that is not ours."""


class Busy(Exception):
    """An execution is under way, and AWS changes nothing under it."""


def keep(
    schedule: str, config: dict[str, Any], definition: dict[str, Any], tags: list[dict[str, str]]
) -> list[str]:
    """Have `schedule` run `definition`, a Create...JobDefinition request; delete the definitions that it ran before.

    Returns what was done, nothing when everything is as asked. Raises Unavailable, Foreign, Busy.
    """
    sagemaker, noun = client("sagemaker"), NOUNS[config["MonitoringType"]]
    name, done = definition["JobDefinitionName"], []
    if _definition(sagemaker, noun, name) is None:
        _create_definition(sagemaker, noun, {**definition, "Tags": tags})
        done.append(f"job definition {name}")
    found = describe(schedule)
    if found is None:
        sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=schedule, MonitoringScheduleConfig=config, Tags=tags
        )
        done.append(f"schedule {schedule}")
    elif _settings(found["MonitoringScheduleConfig"]) != _settings(config):
        _own(sagemaker, found["MonitoringScheduleArn"])
        if underway(schedule):
            raise Busy(f"{schedule} is not rebound to {name} while an execution of it is under way")
        sagemaker.update_monitoring_schedule(
            MonitoringScheduleName=schedule, MonitoringScheduleConfig=config
        )
        done.append(f"schedule {schedule} runs {name}")
    elif found["MonitoringScheduleStatus"] == "Stopped":
        _own(sagemaker, found["MonitoringScheduleArn"])
        sagemaker.start_monitoring_schedule(MonitoringScheduleName=schedule)
        done.append(f"schedule {schedule} started")
    done += _sweep(sagemaker, noun, name)
    return done


def describe(schedule: str) -> dict[str, Any] | None:
    """DescribeMonitoringSchedule; None when there is none."""
    sagemaker = client("sagemaker")
    try:
        found: dict[str, Any] = sagemaker.describe_monitoring_schedule(
            MonitoringScheduleName=schedule
        )
    except sagemaker.exceptions.ResourceNotFound:
        return None
    return found


def executions(schedule: str, most: int, region: str | None = None) -> list[dict[str, Any]]:
    """The newest executions, the newest first."""
    asked = {"MonitoringScheduleName": schedule, "SortBy": "ScheduledTime"}
    found: list[dict[str, Any]] = client("sagemaker", region).list_monitoring_executions(
        **asked, SortOrder="Descending", MaxResults=most
    )["MonitoringExecutionSummaries"]
    return found


def underway(schedule: str, region: str | None = None) -> list[dict[str, Any]]:
    """Executions that have not ended."""
    found = executions(schedule, 10, region)
    return [e for e in found if e["MonitoringExecutionStatus"] in UNDERWAY]


def schedules(endpoint: str, region: str | None = None) -> dict[str, str]:
    """Names and ARNs of the schedules of an endpoint, whoever made them; none where Model Monitor is denied: AWS tells
    by itself when an endpoint cannot be deleted under one.
    """
    sagemaker = client("sagemaker", region)
    pages = sagemaker.get_paginator("list_monitoring_schedules").paginate(EndpointName=endpoint)
    try:
        return {
            item["MonitoringScheduleName"]: item["MonitoringScheduleArn"]
            for page in pages
            for item in page["MonitoringScheduleSummaries"]
        }
    except sagemaker.exceptions.ClientError as error:
        if not _denied(error):
            raise
        return {}


def remove(schedule: str, region: str | None = None) -> bool:
    """Stop a schedule and its execution, delete it and the definition that it runs; whether it was there.

    Doing it again does nothing. Raises Foreign, and TimeoutError when an execution does not end.
    """
    sagemaker = client("sagemaker", region)
    try:
        found = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=schedule)
    except sagemaker.exceptions.ResourceNotFound:
        return False
    _own(sagemaker, found["MonitoringScheduleArn"])
    sagemaker.stop_monitoring_schedule(MonitoringScheduleName=schedule)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while running := underway(schedule, region):
        for execution in running:
            _stop(sagemaker, execution)
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"an execution of {schedule} is under way for {PATIENCE_SECONDS:g} s"
            )
        time.sleep(LOOK_SECONDS)
    sagemaker.delete_monitoring_schedule(MonitoringScheduleName=schedule)
    noun = NOUNS.get(found.get("MonitoringType", ""))
    name = found["MonitoringScheduleConfig"].get("MonitoringJobDefinitionName")
    while _there(sagemaker, schedule):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{schedule} was deleted {PATIENCE_SECONDS:g} s ago and is there")
        time.sleep(LOOK_SECONDS)
    if noun and name and _definition(sagemaker, noun, name):
        _delete_definition(sagemaker, noun, name)
    return True


def _stop(sagemaker: Any, execution: dict[str, Any]) -> None:
    job = execution.get("ProcessingJobArn", "").rpartition("/")[2]
    if not job or execution["MonitoringExecutionStatus"] == "Stopping":
        return
    try:
        sagemaker.stop_processing_job(ProcessingJobName=job)
    except sagemaker.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise  # those say that it has ended meanwhile


def _there(sagemaker: Any, schedule: str) -> bool:
    try:
        sagemaker.describe_monitoring_schedule(MonitoringScheduleName=schedule)
    except sagemaker.exceptions.ResourceNotFound:
        return False
    return True


def _settings(config: dict[str, Any]) -> tuple[Any, ...]:
    """What tells two MonitoringScheduleConfigs apart, without what AWS fills in."""
    expression = config.get("ScheduleConfig", {}).get("ScheduleExpression")
    return expression, config.get("MonitoringJobDefinitionName"), config.get("MonitoringType")


def _create_definition(sagemaker: Any, noun: str, request: dict[str, Any]) -> None:
    try:
        getattr(sagemaker, f"create_{noun}_job_definition")(**request)
    except sagemaker.exceptions.ClientError as error:
        if _denied(error):
            raise Unavailable(
                f"{error}. AWS closed Model Monitor to accounts that did not use it: monitor.backend: "
                "frugal needs none of it and tells the same"
            ) from error
        raise


def _denied(error: Any) -> bool:
    return bool(CLOSED.search(error.response["Error"]["Code"])) or "new customers" in str(error)


def _definition(sagemaker: Any, noun: str, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = getattr(sagemaker, f"describe_{noun}_job_definition")(
            JobDefinitionName=name
        )
    except sagemaker.exceptions.ResourceNotFound:
        return None
    return found


def _delete_definition(sagemaker: Any, noun: str, name: str) -> None:
    getattr(sagemaker, f"delete_{noun}_job_definition")(JobDefinitionName=name)


def _sweep(sagemaker: Any, noun: str, kept: str) -> list[str]:
    """Delete the other definitions of that model and kind."""
    done = []
    for name, arn in _siblings(sagemaker, noun, kept):
        if not foreign(sagemaker, arn):
            _delete_definition(sagemaker, noun, name)
            done.append(f"deleted job definition {name}")
    return done


def _siblings(sagemaker: Any, noun: str, kept: str) -> Iterator[tuple[str, str]]:
    base = kept[: -DIGEST_LENGTH - 1]
    form = re.compile(rf"{re.escape(base)}-[0-9a-f]{{{DIGEST_LENGTH}}}")
    asked = {"NameContains": base, "MaxResults": 100}
    found = getattr(sagemaker, f"list_{noun}_job_definitions")(**asked)["JobDefinitionSummaries"]
    for item in found:
        name = item["MonitoringJobDefinitionName"]
        if name != kept and form.fullmatch(name):
            yield name, item["MonitoringJobDefinitionArn"]


def _own(sagemaker: Any, arn: str) -> None:
    if whose := foreign(sagemaker, arn):
        raise Foreign(f"{arn} is {whose}")
