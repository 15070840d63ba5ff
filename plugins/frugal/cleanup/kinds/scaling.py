"""What scales an endpoint or an inference component, taken off and put back: targets, policies, schedules, alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from frugal.aws.tags import as_dict
from frugal.cleanup.account import Account
from frugal.cleanup.kinds.requests import creation, tag_list
from frugal.cleanup.kinds.sagemaker import NotPossible
from frugal.cleanup.resource import is_ours

NAMESPACE = "sagemaker"
ALARMS_A_CALL = 100  # DeleteAlarms, botocore's model
KEYS = ("ServiceNamespace", "ResourceId", "ScalableDimension")

Scaling = Mapping[str, Any]


def recipe(account: Account, resource_ids: Sequence[str], alarms: str = "") -> Scaling:
    """{"targets", "policies", "schedules", "alarms"} as AWS describes them: of these resources, and of our alarms whose
    names start with the prefix. What a target tracking policy makes by itself is not among them. Raises NotPossible
    when somebody else scales one of the resources.
    """
    client = account.client("application-autoscaling")
    found: dict[str, list[Any]] = {"targets": [], "policies": [], "schedules": [], "alarms": []}
    if resource_ids:
        found["targets"] = list(
            _all(client, "describe_scalable_targets", ResourceIds=list(resource_ids))
        )
    for target in found["targets"]:
        target["Tags"] = client.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])[
            "Tags"
        ]
        if not is_ours(target["Tags"], account.environment):
            raise NotPossible(f"{target['ResourceId']} is scaled by somebody else")
        name = {key: target[key] for key in KEYS[1:]}
        found["policies"] += _all(client, "describe_scaling_policies", **name)
        found["schedules"] += _all(client, "describe_scheduled_actions", **name)
    if alarms:
        found["alarms"] = list(_alarms(account, alarms))
    return found


def alarm_prefix(endpoint: str) -> str:
    """What the names of an endpoint's alarms start with; serving/names.py names them so."""
    return f"frugal/{endpoint}/"


def take_off(account: Account, scaling: Scaling) -> list[str]:
    """Remove all of it, as far as it is still there; returns a line for each."""
    client, lines = account.client("application-autoscaling"), []
    for member, operation, key, noun in (
        ("schedules", "delete_scheduled_action", "ScheduledActionName", "scheduled action"),
        ("policies", "delete_scaling_policy", "PolicyName", "scaling policy"),
        ("targets", "deregister_scalable_target", "ResourceId", "scalable target"),
    ):
        for item in scaling[member]:
            names = {name: item[name] for name in {*KEYS, key}}
            try:
                getattr(client, operation)(**names)
            except client.exceptions.ObjectNotFoundException:
                continue
            lines.append(f"{noun} {item[key]}")
    alarms = [alarm["AlarmName"] for alarm in scaling["alarms"]]
    for start in range(0, len(alarms), ALARMS_A_CALL):
        lines += delete_alarms(account, alarms[start : start + ALARMS_A_CALL])
    return lines


def delete_alarms(account: Account, names: Sequence[str]) -> list[str]:
    """Delete those of up to a hundred metric alarms that are there; a line for each."""
    client = account.client("cloudwatch")
    answer = client.describe_alarms(AlarmNames=list(names), MaxRecords=ALARMS_A_CALL)
    found = [alarm["AlarmName"] for alarm in answer["MetricAlarms"]]
    if found:
        client.delete_alarms(AlarmNames=found)
    return [f"alarm {name}" for name in found]


def put_back(account: Account, scaling: Scaling) -> list[str]:
    """Register and put all of it again; alarms trigger the policies under their new ARNs. Returns a line for each."""
    client, cloudwatch = account.client("application-autoscaling"), account.client("cloudwatch")
    lines, arns = [], {}
    for target in scaling["targets"]:
        client.register_scalable_target(**creation(client, "RegisterScalableTarget", target))
        lines.append(f"scalable target {target['ResourceId']}")
    for policy in scaling["policies"]:
        answer = client.put_scaling_policy(**creation(client, "PutScalingPolicy", policy))
        arns[policy["PolicyARN"]] = answer["PolicyARN"]
        lines.append(f"scaling policy {policy['PolicyName']}")
    for schedule in scaling["schedules"]:
        client.put_scheduled_action(**creation(client, "PutScheduledAction", schedule))
        lines.append(f"scheduled action {schedule['ScheduledActionName']}")
    for alarm in scaling["alarms"]:
        actions = [arns.get(arn, arn) for arn in alarm.get("AlarmActions", [])]
        request = creation(cloudwatch, "PutMetricAlarm", alarm, AlarmActions=actions)
        cloudwatch.put_metric_alarm(**request)
        lines.append(f"alarm {alarm['AlarmName']}")
    return lines


def _alarms(account: Account, prefix: str) -> Iterator[Any]:
    client = account.client("cloudwatch")
    for page in client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix):
        for alarm in page["MetricAlarms"]:
            tags = client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
            if is_ours(as_dict(tags), account.environment):
                yield {**alarm, "Tags": tag_list(as_dict(tags))}


def _all(client: Any, operation: str, **given: Any) -> Iterator[Any]:
    paginator = client.get_paginator(operation)
    [member] = paginator.result_keys
    for page in paginator.paginate(ServiceNamespace=NAMESPACE, **given):
        yield from member.search(page) or []
