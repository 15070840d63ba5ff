"""Monitoring schedules: created, changed, stopped, deleted; their executions, listed.

Refused besides what AWS refuses: a MonitoringJobDefinition within the schedule. Unverified: that a schedule
with an execution in progress can be neither updated nor deleted, and the wording of messages.
"""

from __future__ import annotations

from local_aws import clock
from local_aws.errors import in_use, not_found, validation
from local_aws.execution.states import SCHEDULE, now
from local_aws.sagemaker import monitoring_executions as executions
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.monitoring_definitions import KINDS
from local_aws.sagemaker.monitoring_times import Times
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

# What an hourly schedule may run for at most (botocore, MonitoringStoppingCondition), by MonitoringType.
HOURLY_RUNTIME = {"DataQuality": 3600, "ModelQuality": 1800}


@operation("CreateMonitoringSchedule")
def create(call: Call, params: Params) -> Params:
    name, tags = params["MonitoringScheduleName"], tags_of(params)
    arn = call.arn(f"{SCHEDULE}/{name}")
    record: Record = {
        "MonitoringScheduleName": name,
        "MonitoringScheduleArn": arn,
        "_arn": arn,
        "CreationTime": now(),
        **_asked(call, params["MonitoringScheduleConfig"]),
    }
    try:
        call.app.store.create(SCHEDULE, call.region, name, record)
    except Exists as error:
        raise in_use(f"Monitoring schedule {arn} already exists") from error
    call.app.store.tag(arn, tags)
    executions.enter(call, name)
    return {"MonitoringScheduleArn": arn}


def _asked(call: Call, config: Params) -> Record:
    """The members that a MonitoringScheduleConfig gives."""
    if "MonitoringJobDefinition" in config or "MonitoringJobDefinitionName" not in config:
        raise validation(
            "The local AWS takes a MonitoringJobDefinitionName, no MonitoringJobDefinition"
        )
    kind = KINDS.get(config.get("MonitoringType", ""))
    if kind is None:
        raise validation(f"MonitoringType must be one of {', '.join(KINDS)}")
    definition = kind.find(call, config["MonitoringJobDefinitionName"])
    schedule = config.setdefault("ScheduleConfig", {"ScheduleExpression": "cron(0 0 ? * * *)"})
    times = Times.read(schedule)
    allowed = min(times.every or 86400.0, 86400.0)
    if allowed == 3600:
        allowed = HOURLY_RUNTIME[kind.type]
    asked = definition["StoppingCondition"]["MaxRuntimeInSeconds"]
    if asked > allowed:
        raise validation(
            f"MaxRuntimeInSeconds {asked} of {definition['JobDefinitionName']} exceeds the {allowed:g} "
            f"that {schedule['ScheduleExpression']} allows for {kind.type}"
        )
    return {
        "MonitoringScheduleStatus": "Scheduled",
        "MonitoringScheduleConfig": config,
        "MonitoringType": kind.type,
        "MonitoringJobDefinitionName": definition["JobDefinitionName"],
        "EndpointName": definition["EndpointName"],
        "LastModifiedTime": now(),
        "_since": clock.now(),
    }


def find(call: Call, name: str) -> Record:
    record = call.app.store.get(SCHEDULE, call.region, name)
    if record is None:
        raise not_found(f"Could not find monitoring schedule {call.arn(f'{SCHEDULE}/{name}')}")
    return record


@operation("DescribeMonitoringSchedule")
def describe(call: Call, params: Params) -> Params:
    record = find(call, params["MonitoringScheduleName"])
    ran = executions.of(call, record["MonitoringScheduleName"])
    return record | ({"LastMonitoringExecutionSummary": ran[-1]} if ran else {})


@operation("ListMonitoringSchedules")
def list_schedules(call: Call, params: Params) -> Params:
    found, more = page(
        call.app.store.all(SCHEDULE, call.region),
        params,
        name="MonitoringScheduleName",
        status="MonitoringScheduleStatus",
        default_order="Descending",
        equals={
            "EndpointName": "EndpointName",
            "MonitoringJobDefinitionName": "MonitoringJobDefinitionName",
            "MonitoringTypeEquals": "MonitoringType",
        },
    )
    return {"MonitoringScheduleSummaries": found, **more}


@operation("UpdateMonitoringSchedule")
def update(call: Call, params: Params) -> Params:
    record = _idle(call, params["MonitoringScheduleName"], "updated")
    asked = _asked(call, params["MonitoringScheduleConfig"])
    _change(call, record, **asked)
    executions.enter(call, record["MonitoringScheduleName"])
    return {"MonitoringScheduleArn": record["MonitoringScheduleArn"]}


@operation("StartMonitoringSchedule")
def start(call: Call, params: Params) -> Params:
    record = find(call, params["MonitoringScheduleName"])
    if record["MonitoringScheduleStatus"] != "Scheduled":
        _change(call, record, MonitoringScheduleStatus="Scheduled", _since=clock.now())
        executions.enter(call, record["MonitoringScheduleName"])
    return {}


@operation("StopMonitoringSchedule")
def stop(call: Call, params: Params) -> Params:
    record = find(call, params["MonitoringScheduleName"])
    _change(call, record, MonitoringScheduleStatus="Stopped")
    return {}


@operation("DeleteMonitoringSchedule")
def delete(call: Call, params: Params) -> Params:
    record = _idle(call, params["MonitoringScheduleName"], "deleted")
    call.app.store.delete(SCHEDULE, call.region, record["MonitoringScheduleName"])
    return {}


@operation("ListMonitoringExecutions")
def list_executions(call: Call, params: Params) -> Params:
    records = executions.all_of(call)
    for member, sign in (("ScheduledTimeAfter", 1), ("ScheduledTimeBefore", -1)):
        if member in params:
            records = [r for r in records if (r["ScheduledTime"] - params[member]) * sign >= 0]
    found, more = page(
        records,
        params,
        name="_name",
        status="MonitoringExecutionStatus",
        default_order="Descending",
        equals={
            "MonitoringScheduleName": "MonitoringScheduleName",
            "EndpointName": "EndpointName",
            "MonitoringJobDefinitionName": "MonitoringJobDefinitionName",
            "MonitoringTypeEquals": "MonitoringType",
        },
        sorts={"ScheduledTime": "ScheduledTime", "Status": "MonitoringExecutionStatus"},
    )
    return {"MonitoringExecutionSummaries": found, **more}


def _idle(call: Call, name: str, to_be: str) -> Record:
    record = find(call, name)
    for execution in executions.of(call, name):
        if not executions.ended(execution):
            raise validation(
                f"{record['_arn']} cannot be {to_be} while its execution of "
                f"{execution['ProcessingJobArn']} is in progress"
            )
    return record


def _change(call: Call, record: Record, **members: object) -> None:
    call.app.store.update(
        SCHEDULE,
        call.region,
        record["MonitoringScheduleName"],
        lambda latest: latest.update(members, LastModifiedTime=now()),
    )
