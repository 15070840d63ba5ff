"""Application Auto Scaling and the alarms beside it, brought to what is asked for in the order that AWS demands.

Targets and alarms that somebody else made are neither changed nor deleted, whatever they are called.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from frugal.aws.clients import client
from frugal.aws.ownership import whose
from frugal.aws.tags import as_dict

NAMESPACE = "sagemaker"
ALARMS_A_CALL = 100  # DeleteAlarms, botocore's model

Request = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scaling:
    """What scales one resource. Each member holds requests of one AWS call, without ServiceNamespace.

    target     RegisterScalableTarget
    policies   PutScalingPolicy
    alarms     PutMetricAlarm by the name of the step policy that each one triggers
    schedule   PutScheduledAction
    """

    target: Request
    policies: Sequence[Request]
    alarms: dict[str, Request] = field(default_factory=dict)
    schedule: Sequence[Request] = ()

    @property
    def resource(self) -> Request:
        """What every call names it by."""
        keys = ("ResourceId", "ScalableDimension")
        return {"ServiceNamespace": NAMESPACE, **{key: self.target[key] for key in keys}}


def apply(scaling: Scaling, alarm_prefix: str, region: str | None = None) -> list[str]:
    """Register the target, then policies with their alarms, then scheduled actions; remove those of an earlier spec.

    Everything is put by name, so that doing it again changes nothing. Returns what there is now.
    """
    autoscaling, cloudwatch = (
        client("application-autoscaling", region),
        client("cloudwatch", region),
    )
    resource = scaling.resource
    autoscaling.register_scalable_target(ServiceNamespace=NAMESPACE, **scaling.target)
    arns = {}
    for policy in scaling.policies:
        answer = autoscaling.put_scaling_policy(**resource, **policy)
        arns[policy["PolicyName"]] = answer["PolicyARN"]
    for policy_name, alarm in scaling.alarms.items():
        cloudwatch.put_metric_alarm(**alarm, AlarmActions=[arns[policy_name]])
    for action in scaling.schedule:
        autoscaling.put_scheduled_action(**resource, **action)
    actions = {action["ScheduledActionName"] for action in scaling.schedule}
    for name in _names(autoscaling, "scheduled_actions", "ScheduledActionName", resource) - actions:
        autoscaling.delete_scheduled_action(**resource, ScheduledActionName=name)
    alarms = {alarm["AlarmName"] for alarm in scaling.alarms.values()}
    delete_alarms(alarm_names(alarm_prefix, region) - alarms, region)
    for name in _names(autoscaling, "scaling_policies", "PolicyName", resource) - set(arns):
        autoscaling.delete_scaling_policy(**resource, PolicyName=name)
    return [scaling.target["ResourceId"], *arns, *sorted(alarms), *sorted(actions)]


def release(resource_ids: Sequence[str], region: str | None = None) -> list[str]:
    """Take our scaling off these resources: scheduled actions, policies, then the targets. Returns what was there.

    AWS refuses to change a scaled variant's instance type, and to delete it, while its target is registered.
    """
    autoscaling = client("application-autoscaling", region)
    removed = []
    for target in _targets(autoscaling, resource_ids):
        if stranger := _whose_target(autoscaling, target):
            log.warning("Left alone: scaling of %s is %s", target["ResourceId"], stranger)
            continue
        keys = ("ServiceNamespace", "ResourceId", "ScalableDimension")
        resource = {key: target[key] for key in keys}
        for name in _names(autoscaling, "scheduled_actions", "ScheduledActionName", resource):
            _delete(autoscaling, "scheduled_action", **resource, ScheduledActionName=name)
            removed.append(f"scheduled action {name}")
        for name in _names(autoscaling, "scaling_policies", "PolicyName", resource):
            _delete(autoscaling, "scaling_policy", **resource, PolicyName=name)
            removed.append(f"scaling policy {name}")
        _delete(autoscaling, "scalable_target", **resource)
        removed.append(f"scalable target {target['ResourceId']}")
    return removed


def scaled(resource_ids: Sequence[str], region: str | None = None) -> dict[str, str | None]:
    """Those of the resources that have a scalable target, each with why it is not ours, None when it is."""
    autoscaling = client("application-autoscaling", region)
    found = _targets(autoscaling, resource_ids)
    return {target["ResourceId"]: _whose_target(autoscaling, target) for target in found}


def alarm_names(prefix: str, region: str | None = None) -> set[str]:
    """Names of our metric alarms that start with `prefix`."""
    cloudwatch = client("cloudwatch", region)
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    return {
        alarm["AlarmName"]
        for page in pages
        for alarm in page["MetricAlarms"]
        if not whose(
            as_dict(cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"])
        )
    }


def delete_alarms(names: set[str], region: str | None = None) -> None:
    """Delete alarms by name."""
    ordered = sorted(names)
    for start in range(0, len(ordered), ALARMS_A_CALL):
        some = ordered[start : start + ALARMS_A_CALL]
        client("cloudwatch", region).delete_alarms(AlarmNames=some)


def _targets(autoscaling: Any, resource_ids: Sequence[str]) -> list[dict[str, Any]]:
    if not resource_ids:
        return []
    pages = autoscaling.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace=NAMESPACE, ResourceIds=list(resource_ids)
    )
    return [target for page in pages for target in page["ScalableTargets"]]


def _whose_target(autoscaling: Any, target: Request) -> str | None:
    arn = target["ScalableTargetARN"]
    return whose(autoscaling.list_tags_for_resource(ResourceARN=arn)["Tags"])


def _delete(autoscaling: Any, noun: str, **names: str) -> None:
    """Delete or deregister it; what is gone by now was what a lost answer told of."""
    verb = "deregister" if noun == "scalable_target" else "delete"
    try:
        getattr(autoscaling, f"{verb}_{noun}")(**names)
    except autoscaling.exceptions.ObjectNotFoundException:
        log.info("Gone already: %s of %s", noun, names["ResourceId"])


def _names(autoscaling: Any, what: str, key: str, resource: Request) -> set[str]:
    pages = autoscaling.get_paginator(f"describe_{what}").paginate(**resource)
    member = "".join(part.capitalize() for part in what.split("_"))
    return {item[key] for page in pages for item in page[member]}
