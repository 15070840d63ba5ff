"""Target tracking: the two alarms that Application Auto Scaling keeps for a policy.

Above the target for 3 minutes it scales out, more than 10 % below it for 15 minutes it scales in
(developer guide, "Automatic scaling"; that metrics of high resolution are looked at in periods of
10 s for as long, 3 of them for the alarm above, is not verified).
"""

from __future__ import annotations

import uuid
from typing import Any

from local_aws.autoscaling.dimensions import Dimension
from local_aws.cloudwatch.distribution import check_statistic
from local_aws.cloudwatch.queries import Queries
from local_aws.errors import AwsError, validation
from local_aws.sagemaker.registry import Call
from local_aws.store import Record

HIGH, LOW = "AlarmHigh", "AlarmLow"
PERIODS_HIGH = 3
SECONDS_LOW = 15 * 60
# The share of the target below which too little is in use.
LOW_SHARE = 0.9


def check(dimension: Dimension, config: dict[str, Any]) -> None:
    """Raise `ValidationException` unless there is one metric, and one that the dimension has."""
    predefined = config.get("PredefinedMetricSpecification")
    customized = config.get("CustomizedMetricSpecification")
    if (predefined is None) == (customized is None):
        raise validation(
            "Give either PredefinedMetricSpecification or CustomizedMetricSpecification"
        )
    if config["TargetValue"] <= 0:
        raise validation(f"TargetValue must be above 0, not {config['TargetValue']}")
    for member in ("ScaleOutCooldown", "ScaleInCooldown"):
        if config.get(member, 0) < 0:
            raise validation(f"{member} must not be negative")
    if predefined is not None:
        kind = predefined["PredefinedMetricType"]
        if kind not in dimension.metrics:
            raise validation(
                f"Scalable dimension {dimension.name} only supports the following predefined "
                f"metric types: {', '.join(dimension.metrics)}"
            )
        if "ResourceLabel" in predefined:
            raise validation(f"ResourceLabel is not for {kind}")
    elif customized is not None:
        _check_customized(customized)


def _check_customized(metric: dict[str, Any]) -> None:
    one = [name for name in ("MetricName", "Namespace", "Statistic") if name in metric]
    if "Metrics" in metric:
        if one:
            raise validation(f"With Metrics, {', '.join(one)} must not be given")
        try:
            Queries("", _queries(metric["Metrics"]))
        except AwsError as error:
            raise validation(error.message) from error
        watched = [q["Id"] for q in metric["Metrics"] if q.get("ReturnData", True)]
        if len(watched) != 1:
            raise validation("Exactly one of Metrics must have ReturnData true")
        return
    if len(one) < 3:
        raise validation("Without Metrics, MetricName, Namespace and Statistic must be given")
    check_statistic(metric["Statistic"])


def _queries(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """MetricDataQueries of a policy's Metrics, which have no Period: they are of a minute."""
    return [
        {**query, "MetricStat": {"Period": 60, **query["MetricStat"]}}
        if "MetricStat" in query
        else query
        for query in metrics
    ]


def put_alarms(call: Call, dimension: Dimension, policy: Record) -> list[dict[str, str]]:
    """Create or update the alarms of a policy; returns their names and ARNs.

    Without scale-in there is no low alarm (not verified).
    """
    config = policy["TargetTrackingScalingPolicyConfiguration"]
    names = {kind: name for name in _names(policy) for kind in (HIGH, LOW) if kind in name}
    watched = _watched(dimension, config, policy["ResourceId"])
    period = watched.get("Period", 60)
    kinds = [(HIGH, "GreaterThanThreshold", 1.0, PERIODS_HIGH)]
    if not config.get("DisableScaleIn"):
        kinds.append((LOW, "LessThanThreshold", LOW_SHARE, SECONDS_LOW // period))
    elif LOW in names:
        call.app.cloudwatch.alarms.delete(call.region, names[LOW])
    alarms = []
    for kind, operator, share, periods in kinds:
        name = names.get(kind) or f"TargetTracking-{policy['ResourceId']}-{kind}-{uuid.uuid4()}"
        alarm = {
            "AlarmName": name,
            "AlarmDescription": "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy "
            f"{policy['PolicyARN']}.",
            "ActionsEnabled": True,
            "OKActions": [],
            "AlarmActions": [policy["PolicyARN"]],
            "InsufficientDataActions": [],
            "EvaluationPeriods": periods,
            "Threshold": config["TargetValue"] * share,
            "ComparisonOperator": operator,
            **watched,
        }
        call.app.cloudwatch.alarms.put(call.region, alarm)
        arn = f"arn:aws:cloudwatch:{call.region}:{policy['PolicyARN'].split(':')[4]}:alarm:{name}"
        alarms.append({"AlarmName": name, "AlarmARN": arn})
    return alarms


def _watched(dimension: Dimension, config: dict[str, Any], resource_id: str) -> dict[str, Any]:
    """The members of an alarm that say which metric it watches."""
    if "PredefinedMetricSpecification" in config:
        kind = config["PredefinedMetricSpecification"]["PredefinedMetricType"]
        metric = dimension.metrics[kind]
        return {
            "_id": "m1",
            "Namespace": "AWS/SageMaker",
            "MetricName": metric.name,
            "Dimensions": dimension.metric_dimensions(resource_id),
            "Statistic": metric.statistic,
            "Period": metric.period,
        }
    customized = config["CustomizedMetricSpecification"]
    if "Metrics" in customized:
        return {"Metrics": _queries(customized["Metrics"])}
    return {"_id": "m1", "Period": 60, **customized}


def delete_alarms(call: Call, policy: Record) -> None:
    """Delete the alarms of a policy."""
    for name in _names(policy):
        call.app.cloudwatch.alarms.delete(call.region, name)


def _names(policy: Record) -> list[str]:
    return [alarm["AlarmName"] for alarm in policy.get("Alarms", [])]
