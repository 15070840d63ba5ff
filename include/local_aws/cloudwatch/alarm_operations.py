"""PutMetricAlarm, PutCompositeAlarm and what is asked and told about alarms."""

from __future__ import annotations

import uuid
from typing import Any

from local_aws.cloudwatch import actions, composite
from local_aws.cloudwatch.alarm_rules import check_alarm, wrong
from local_aws.cloudwatch.alarms import ACTIONS, KIND
from local_aws.cloudwatch.metric_operations import SERVICE, offset_of, token
from local_aws.errors import AwsError
from local_aws.sagemaker.registry import Call, Params, tags_of
from local_aws.store import Record

__all__ = ["SERVICE"]


@SERVICE.operation("PutMetricAlarm")
def put_metric_alarm(call: Call, params: Params) -> Params:
    alarm = {k: v for k, v in params.items() if k != "Tags"}
    check_alarm(call.region, alarm)
    if "Metrics" not in alarm:
        alarm["_id"] = f"m{uuid.uuid4().hex[:8]}"
    _put(call, alarm, tags_of(params))
    return {}


@SERVICE.operation("PutCompositeAlarm")
def put_composite_alarm(call: Call, params: Params) -> Params:
    alarm = {k: v for k, v in params.items() if k != "Tags"}
    if "ActionsSuppressor" in alarm:
        raise wrong("The local AWS's composite alarms have no ActionsSuppressor")
    for name in composite.alarms_in(alarm["AlarmRule"]):
        if call.app.cloudwatch.state(name, call.region) is None:
            raise wrong(f"Could not save the composite alarm as alarm {name} does not exist")
    _put(call, alarm, tags_of(params))
    return {}


def _put(call: Call, alarm: Record, tags: dict[str, str]) -> None:
    for member in ACTIONS.values():
        for arn in alarm.get(member, []):
            actions.check(arn)
    alarm.setdefault("ActionsEnabled", True)
    known = call.app.cloudwatch.state(alarm["AlarmName"], call.region) is not None
    call.app.cloudwatch.alarms.put(call.region, alarm)
    if tags and not known:
        call.app.store.tag(find(call, alarm["AlarmName"])["AlarmArn"], tags)


def find(call: Call, name: str) -> Record:
    alarm = call.app.store.get(KIND, call.region, name)
    if alarm is None:
        raise AwsError("ResourceNotFound", f"Alarm {name} does not exist", 404)
    return alarm


@SERVICE.operation("DescribeAlarms")
def describe_alarms(call: Call, params: Params) -> Params:
    types = params.get("AlarmTypes", ["MetricAlarm"])
    names = params.get("AlarmNames")
    prefix, action = params.get("AlarmNamePrefix", ""), params.get("ActionPrefix", "")
    found = [
        alarm
        for alarm in sorted(call.app.store.all(KIND, call.region), key=lambda a: a["AlarmName"])
        if _type(alarm) in types
        and (names is None or alarm["AlarmName"] in names)
        and alarm["AlarmName"].startswith(prefix)
        and params.get("StateValue", alarm["StateValue"]) == alarm["StateValue"]
        and (not action or any(a.startswith(action) for a in _all_actions(alarm)))
    ]
    page, more = _page(found, params)
    by_type = {"MetricAlarms": "MetricAlarm", "CompositeAlarms": "CompositeAlarm"}
    answer = {member: [a for a in page if _type(a) == kind] for member, kind in by_type.items()}
    return {**answer, **more}


def _type(alarm: Record) -> str:
    return "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm"


def _all_actions(alarm: Record) -> list[str]:
    return [arn for member in ACTIONS.values() for arn in alarm.get(member, [])]


def _page(items: list[Any], params: Params) -> tuple[list[Any], dict[str, str]]:
    start = offset_of(params)
    stop = start + params.get("MaxRecords", 50)
    return items[start:stop], {"NextToken": token(stop)} if stop < len(items) else {}


@SERVICE.operation("DescribeAlarmsForMetric")
def describe_alarms_for_metric(call: Call, params: Params) -> Params:
    def key(metric: Params) -> tuple[Any, ...]:
        dimensions = sorted((d["Name"], d["Value"]) for d in metric.get("Dimensions", []))
        return metric.get("Namespace"), metric.get("MetricName"), dimensions

    optional = ("Statistic", "ExtendedStatistic", "Period", "Unit")
    found = [
        alarm
        for alarm in call.app.store.all(KIND, call.region)
        if key(alarm) == key(params)
        and all(alarm.get(name) == params[name] for name in optional if name in params)
    ]
    return {"MetricAlarms": found}


@SERVICE.operation("DescribeAlarmHistory")
def describe_alarm_history(call: Call, params: Params) -> Params:
    types = params.get("AlarmTypes", ["MetricAlarm"])
    items = [
        {"AlarmName": alarm["AlarmName"], "AlarmType": _type(alarm), **item}
        for alarm in call.app.store.all(KIND, call.region)
        if _type(alarm) in types
        and params.get("AlarmName", alarm["AlarmName"]) == alarm["AlarmName"]
        for item in alarm.get("_history", [])
        if params.get("HistoryItemType", item["HistoryItemType"]) == item["HistoryItemType"]
        and params.get("StartDate", 0) <= item["Timestamp"]
        and item["Timestamp"] <= params.get("EndDate", item["Timestamp"])
    ]
    newest_first = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    items.sort(key=lambda item: item["Timestamp"], reverse=newest_first)
    page, more = _page(items, params)
    return {"AlarmHistoryItems": page, **more}


@SERVICE.operation("DeleteAlarms")
def delete_alarms(call: Call, params: Params) -> Params:
    for name in params["AlarmNames"]:
        find(call, name)
    for name in params["AlarmNames"]:
        call.app.cloudwatch.alarms.delete(call.region, name)
    return {}


@SERVICE.operation("SetAlarmState")
def set_alarm_state(call: Call, params: Params) -> Params:
    find(call, params["AlarmName"])
    data = params.get("StateReasonData", "{}")
    name, state = params["AlarmName"], params["StateValue"]
    call.app.cloudwatch.alarms.change(call.region, name, state, params["StateReason"], data)
    return {}


@SERVICE.operation("EnableAlarmActions")
def enable_alarm_actions(call: Call, params: Params) -> Params:
    return _set_enabled(call, params, True)


@SERVICE.operation("DisableAlarmActions")
def disable_alarm_actions(call: Call, params: Params) -> Params:
    return _set_enabled(call, params, False)


def _set_enabled(call: Call, params: Params, enabled: bool) -> Params:
    for name in params["AlarmNames"]:
        find(call, name)
        call.app.store.update(
            KIND, call.region, name, lambda record: record.update(ActionsEnabled=enabled)
        )
    return {}


@SERVICE.operation("TagResource")
def tag_resource(call: Call, params: Params) -> Params:
    _check_arn(call, params["ResourceARN"])
    call.app.store.tag(params["ResourceARN"], tags_of(params))
    return {}


@SERVICE.operation("UntagResource")
def untag_resource(call: Call, params: Params) -> Params:
    _check_arn(call, params["ResourceARN"])
    call.app.store.untag(params["ResourceARN"], params["TagKeys"])
    return {}


@SERVICE.operation("ListTagsForResource")
def list_tags_for_resource(call: Call, params: Params) -> Params:
    _check_arn(call, params["ResourceARN"])
    tags = call.app.store.tags(params["ResourceARN"])
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _check_arn(call: Call, arn: str) -> None:
    if not any(alarm["AlarmArn"] == arn for alarm in call.app.store.all(KIND, call.region)):
        raise AwsError("ResourceNotFoundException", f"{arn} is not an alarm's ARN", 404)
