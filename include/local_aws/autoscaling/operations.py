"""Application Auto Scaling's API: scalable targets and their tags here, the rest beside."""

from __future__ import annotations

import uuid

from local_aws import ACCOUNT
from local_aws.autoscaling import policy_operations, records, schedule_operations
from local_aws.autoscaling.api import IDENTITY, SERVICE, page, records_of
from local_aws.autoscaling.dimensions import dimension_of
from local_aws.autoscaling.records import TARGET, find_target
from local_aws.errors import AwsError, validation
from local_aws.sagemaker.registry import Call, Params
from local_aws.store import Record

__all__ = ["SERVICE", "policy_operations", "schedule_operations"]

MOST_TAGS = 50
_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
_SUSPENDED = (
    *("DynamicScalingInSuspended", "DynamicScalingOutSuspended"),
    "ScheduledScalingSuspended",
)


@SERVICE.operation("RegisterScalableTarget")
def register_scalable_target(call: Call, params: Params) -> Params:
    dimension = dimension_of(params)
    key = records.target_key(params)
    known = call.app.store.get(TARGET, call.region, key)
    target = dict(known) if known else _new_target(call, params)
    for member in ("MinCapacity", "MaxCapacity"):
        target |= {member: params[member]} if member in params else {}
    target["SuspendedState"] = target["SuspendedState"] | params.get("SuspendedState", {})
    least, most = target["MinCapacity"], target["MaxCapacity"]
    if not 0 <= least <= most:
        raise validation(f"MinCapacity, {least}, must be from 0 to MaxCapacity, which is {most}")
    dimension.check(call, dimension.parse(params["ResourceId"]), least)
    call.app.store.put(TARGET, call.region, key, target)
    if known is None:
        call.app.store.tag(target["ScalableTargetARN"], params.get("Tags", {}))
    call.app.autoscaling.fit(
        call, target, f"minimum capacity was set to {least} and maximum capacity to {most}"
    )
    return {"ScalableTargetARN": target["ScalableTargetARN"]}


def _new_target(call: Call, params: Params) -> Record:
    missing = [name for name in ("MinCapacity", "MaxCapacity") if name not in params]
    if missing:
        raise validation(f"A new scalable target must have {' and '.join(missing)}")
    name = uuid.uuid4().hex
    arn = f"arn:aws:application-autoscaling:{call.region}:{ACCOUNT}:scalable-target/{name}"
    return {
        **{member: params[member] for member in IDENTITY},
        "RoleARN": _ROLE,
        "CreationTime": call.app.cloudwatch.clock.now(),
        "SuspendedState": dict.fromkeys(_SUSPENDED, False),
        "ScalableTargetARN": arn,
        "_arn": arn,
    }


@SERVICE.operation("DeregisterScalableTarget")
def deregister_scalable_target(call: Call, params: Params) -> Params:
    call.app.autoscaling.forget(call, find_target(call, params))
    return {}


@SERVICE.operation("DescribeScalableTargets")
def describe_scalable_targets(call: Call, params: Params) -> Params:
    found = [
        target
        for target in records_of(call, TARGET, params)
        if target["ResourceId"] in params.get("ResourceIds", [target["ResourceId"]])
    ]
    return page("ScalableTargets", found, params)


@SERVICE.operation("TagResource")
def tag_resource(call: Call, params: Params) -> Params:
    arn = _target_arn(call, params)
    if len(call.app.store.tags(arn) | params["Tags"]) > MOST_TAGS:
        raise AwsError("TooManyTagsException", f"A target has at most {MOST_TAGS} tags")
    call.app.store.tag(arn, params["Tags"])
    return {}


@SERVICE.operation("UntagResource")
def untag_resource(call: Call, params: Params) -> Params:
    call.app.store.untag(_target_arn(call, params), params["TagKeys"])
    return {}


@SERVICE.operation("ListTagsForResource")
def list_tags_for_resource(call: Call, params: Params) -> Params:
    return {"Tags": call.app.store.tags(_target_arn(call, params))}


def _target_arn(call: Call, params: Params) -> str:
    arn: str = params["ResourceARN"]
    if any(t["ScalableTargetARN"] == arn for t in call.app.store.all(TARGET, call.region)):
        return arn
    raise AwsError("ResourceNotFoundException", f"There is no scalable target {arn}")
