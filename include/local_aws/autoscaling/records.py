"""Scalable targets, their policies and scheduled actions, as they are kept."""

from __future__ import annotations

from local_aws.autoscaling.activities import key
from local_aws.errors import AwsError
from local_aws.sagemaker.registry import Call, Params
from local_aws.store import Record

TARGET, POLICY, ACTION = "scalable-target", "scaling-policy", "scheduled-action"


def target_key(params: Params) -> str:
    return key(params["ScalableDimension"], params["ResourceId"])


def find_target(call: Call, params: Params) -> Record:
    """Raises `ObjectNotFoundException` when the resource is not registered."""
    target = call.app.store.get(TARGET, call.region, target_key(params))
    if target is None:
        raise AwsError(
            "ObjectNotFoundException",
            "No scalable target registered for service namespace: "
            f"{params['ServiceNamespace']}, resource ID: {params['ResourceId']}, "
            f"scalable dimension: {params['ScalableDimension']}",
        )
    return target


def of_target(call: Call, kind: str, target: Params) -> list[Record]:
    """The policies or scheduled actions of a target."""
    wanted = target_key(target)
    return [r for r in call.app.store.all(kind, call.region) if target_key(r) == wanted]


def policy_key(policy: Params) -> str:
    return f"{target_key(policy)} {policy['PolicyName']}"


def action_key(action: Params) -> str:
    return f"{target_key(action)} {action['ScheduledActionName']}"


def policy_of(call: Call, arn: str) -> Record:
    """Raises `ObjectNotFoundException`."""
    for policy in call.app.store.all(POLICY, call.region):
        if policy["PolicyARN"] == arn:
            return policy
    raise AwsError("ObjectNotFoundException", f"There is no scaling policy {arn}")
