"""What an alarm does when its state changes: an event, notifications, scaling policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_aws import ACCOUNT
from local_aws.cloudwatch.evaluation import Verdict, stamp, stat_of
from local_aws.errors import AwsError
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App

SNS, SCALING = "arn:aws:sns:", "arn:aws:autoscaling:"


def is_scaling(arn: str) -> bool:
    return arn.startswith(SCALING)


def check(arn: str) -> None:
    """Raise `ValidationError` unless it is an action that the local AWS can do."""
    if not arn.startswith((SNS, SCALING)):
        raise AwsError(
            "ValidationError",
            f"The local AWS's alarms notify SNS topics ({SNS}...) and Application Auto Scaling's "
            f"policies ({SCALING}...); they cannot do {arn}",
        )


def act(app: App, region: str, before: Record, after: Record, arn: str, verdict: Verdict) -> None:
    """Do one action. Raises what the notified service raises."""
    if is_scaling(arn):
        app.autoscaling.alarm(region, arn, after, verdict.newest)
        return
    subject = f'{after["StateValue"]}: "{after["AlarmName"]}" in {region}'
    app.telemetry.notify(region, arn, subject[:100], json.dumps(_message(region, before, after)))


def publish(app: App, region: str, before: Record, after: Record) -> None:
    """The event "CloudWatch Alarm State Change" on the default bus."""
    detail = {
        "alarmName": after["AlarmName"],
        "state": _state(after),
        "previousState": _state(before),
        "configuration": _configuration(after),
    }
    app.telemetry.event(
        region,
        "CloudWatch Alarm State Change",
        detail,
        [after["AlarmArn"]],
        source="aws.cloudwatch",
    )


def _state(alarm: Record) -> dict[str, Any]:
    state = {"value": alarm["StateValue"], "reason": alarm["StateReason"]}
    if "StateReasonData" in alarm:
        state["reasonData"] = alarm["StateReasonData"]
    return state | {"timestamp": stamp(alarm["StateUpdatedTimestamp"])}


def _configuration(alarm: Record) -> dict[str, Any]:
    described = {"description": alarm["AlarmDescription"]} if "AlarmDescription" in alarm else {}
    if "AlarmRule" in alarm:
        return described | {"alarmRule": alarm["AlarmRule"]}
    if "Metrics" in alarm:
        return described | {"metrics": [_query(query) for query in alarm["Metrics"]]}
    stat = {"Id": alarm["_id"], "MetricStat": stat_of(alarm), "ReturnData": True}
    return described | {"metrics": [_query(stat)]}


def _query(query: dict[str, Any]) -> dict[str, Any]:
    shown = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if "Expression" in query:
        return shown | {"expression": query["Expression"]}
    stat = query["MetricStat"]
    metric = {
        "namespace": stat["Metric"]["Namespace"],
        "name": stat["Metric"]["MetricName"],
        "dimensions": {d["Name"]: d["Value"] for d in stat["Metric"].get("Dimensions", [])},
    }
    return shown | {
        "metricStat": {"metric": metric, "period": str(stat["Period"]), "stat": stat["Stat"]}
    }


def _message(region: str, before: Record, after: Record) -> dict[str, Any]:
    """What a topic's subscribers receive."""
    message = {
        "AlarmName": after["AlarmName"],
        "AlarmDescription": after.get("AlarmDescription"),
        "AWSAccountId": ACCOUNT,
        "AlarmConfigurationUpdatedTimestamp": stamp(after["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": after["StateValue"],
        "NewStateReason": after["StateReason"],
        "StateChangeTime": stamp(after["StateUpdatedTimestamp"]),
        "Region": region,
        "AlarmArn": after["AlarmArn"],
        "OldStateValue": before["StateValue"],
    }
    for name in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        message[name] = after.get(name, [])
    return message | {"Trigger": _trigger(after)}


def _trigger(alarm: Record) -> dict[str, Any]:
    if "AlarmRule" in alarm:
        return {"AlarmRule": alarm["AlarmRule"]}
    trigger = {
        "EvaluationPeriods": alarm["EvaluationPeriods"],
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]),
        "ComparisonOperator": alarm["ComparisonOperator"],
        "Threshold": alarm["Threshold"],
        "TreatMissingData": alarm.get("TreatMissingData", "missing"),
    }
    if "Metrics" in alarm:
        return trigger | {"Metrics": alarm["Metrics"]}
    dimensions = alarm.get("Dimensions", [])
    return trigger | {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        "StatisticType": "Statistic" if "Statistic" in alarm else "ExtendedStatistic",
        "Statistic": stat_of(alarm)["Stat"].upper(),
        "Unit": alarm.get("Unit"),
        "Dimensions": [{"name": d["Name"], "value": d["Value"]} for d in dimensions],
        "Period": alarm["Period"],
    }
