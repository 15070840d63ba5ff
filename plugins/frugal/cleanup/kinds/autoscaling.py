"""Scalable targets and alarms that outlived what they were for. Nothing of it bills much, but it hides what does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from frugal.aws.tags import as_dict
from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind, Reference
from frugal.cleanup.kinds import scaling
from frugal.cleanup.kinds.requests import creation, tag_list
from frugal.cleanup.resource import Resource

PAGE = 50  # DescribeScalableTargets gives no more, docs.aws.amazon.com/autoscaling/application/APIReference
ALARMS_A_PAGE = 100
OWNERS = {"EndpointName": "endpoint", "InferenceComponentName": "inference-component"}


def _targets(account: Account) -> Iterator[list[Resource]]:
    client = account.client("application-autoscaling")
    pages = client.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace=scaling.NAMESPACE, PaginationConfig={"PageSize": PAGE}
    )
    for page in pages:
        yield [_target(account, item) for item in page["ScalableTargets"]]


def _target(account: Account, item: dict[str, Any]) -> Resource:
    """Its name is its ResourceId: endpoint/<name>/variant/<variant>, or inference-component/<name>."""
    kind, name, *_ = item["ResourceId"].split("/")
    return Resource(
        kind="scalable-target",
        name=item["ResourceId"],
        region=account.region,
        arn=item.get("ScalableTargetARN"),
        created=item["CreationTime"],
        facts={"belongs_to": (kind, name)},
    )


def _target_again(account: Account, resource: Resource) -> Resource | None:
    client = account.client("application-autoscaling")
    found = client.describe_scalable_targets(
        ServiceNamespace=scaling.NAMESPACE, ResourceIds=[resource.name]
    )["ScalableTargets"]
    if not found:
        return None
    arn = found[0]["ScalableTargetARN"]
    tags = client.list_tags_for_resource(ResourceARN=arn)["Tags"]
    return replace(_target(account, found[0]), tags=tags)


def _target_recipe(account: Account, resource: Resource) -> Recipe | None:
    found = scaling.recipe(account, [resource.name])
    return found if found["targets"] else None


def _alarms(account: Account) -> Iterator[list[Resource]]:
    """Metric alarms on an endpoint or an inference component."""
    pages = (
        account.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmTypes=["MetricAlarm"], PaginationConfig={"PageSize": ALARMS_A_PAGE})
    )
    for page in pages:
        found = (_alarm(account, item) for item in page["MetricAlarms"])
        yield [alarm for alarm in found if alarm is not None]


def _alarm(account: Account, item: dict[str, Any]) -> Resource | None:
    belongs_to = _belongs_to(item)
    if belongs_to is None:
        return None
    return Resource(
        kind="alarm",
        name=item["AlarmName"],
        region=account.region,
        arn=item["AlarmArn"],
        created=item.get("AlarmConfigurationUpdatedTimestamp"),
        status=item.get("StateValue"),
        facts={"belongs_to": belongs_to},
    )


def _belongs_to(item: dict[str, Any]) -> Reference | None:
    metrics = [query.get("MetricStat", {}).get("Metric", {}) for query in item.get("Metrics", ())]
    for metric in (item, *metrics):
        dimensions = {entry["Name"]: entry["Value"] for entry in metric.get("Dimensions", ())}
        for dimension, kind in OWNERS.items():
            if dimension in dimensions:
                return kind, dimensions[dimension]
    return None


def _describe_alarm(account: Account, name: str) -> dict[str, Any] | None:
    found = account.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return found[0] if found else None


def _alarm_tags(account: Account, arn: str) -> dict[str, str]:
    return as_dict(account.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"])


def _alarm_again(account: Account, resource: Resource) -> Resource | None:
    found = _describe_alarm(account, resource.name)
    alarm = found and _alarm(account, found)
    return replace(alarm, tags=_alarm_tags(account, found["AlarmArn"])) if alarm and found else None


def _alarm_recipe(account: Account, resource: Resource) -> Recipe | None:
    found = _describe_alarm(account, resource.name)
    if found is None:
        return None
    tags = tag_list(_alarm_tags(account, found["AlarmArn"]))
    request: Recipe = creation(account.client("cloudwatch"), "PutMetricAlarm", found, Tags=tags)
    return request


def _restore_alarm(account: Account, recipe: Recipe) -> list[str]:
    account.client("cloudwatch").put_metric_alarm(**recipe)
    return [f"alarm {recipe['AlarmName']}"]


AFTER = ("endpoint", "inference-component")
KINDS = (
    CleanupKind(
        name="scalable-target",
        order=60,
        list=_targets,
        again=_target_again,
        acts={
            "delete": Act(
                _target_recipe,
                lambda account, resource, recipe: scaling.take_off(account, recipe),
                scaling.put_back,
            )
        },
        after=AFTER,
        tagged_as="application-autoscaling:scalable-target",
    ),
    CleanupKind(
        name="alarm",
        order=62,
        list=_alarms,
        again=_alarm_again,
        acts={
            "delete": Act(
                _alarm_recipe,
                lambda account, resource, recipe: scaling.delete_alarms(account, [resource.name]),
                _restore_alarm,
            )
        },
        after=AFTER,
        tagged_as="cloudwatch:alarm",
    ),
)
