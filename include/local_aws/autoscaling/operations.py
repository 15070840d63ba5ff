"""Application Auto Scaling's API."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from local_aws import ACCOUNT
from local_aws.autoscaling import activities, arithmetic, next_time, records, schedule, tracking
from local_aws.autoscaling.dimensions import dimension_of
from local_aws.autoscaling.records import ACTION, POLICY, TARGET, find_target
from local_aws.cloudwatch.alarms import ACTIONS
from local_aws.cloudwatch.alarms import KIND as ALARM
from local_aws.errors import AwsError, validation
from local_aws.sagemaker.registry import Call, Params
from local_aws.service import Service
from local_aws.store import Record

SERVICE = Service("application-autoscaling")

MOST_TAGS = 50
PAGE = 50
_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
_SUSPENDED = (
    *("DynamicScalingInSuspended", "DynamicScalingOutSuspended"),
    "ScheduledScalingSuspended",
)
_IDENTITY = ("ServiceNamespace", "ResourceId", "ScalableDimension")


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
        **{member: params[member] for member in _IDENTITY},
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
        for target in _of(call, TARGET, params)
        if target["ResourceId"] in params.get("ResourceIds", [target["ResourceId"]])
    ]
    return _page("ScalableTargets", found, params)


def _of(call: Call, kind: str, params: Params) -> list[Record]:
    """Records of the request's namespace, resource and dimension, the oldest first."""
    if "ScalableDimension" in params and not params.keys() & {"ResourceId", "ResourceIds"}:
        raise validation("With a ScalableDimension, a resource ID must be given")
    found = call.app.store.all(kind, call.region)
    found = [r for r in found if all(params.get(m, r[m]) == r[m] for m in _IDENTITY)]
    return sorted(found, key=lambda record: record["CreationTime"])


def _page(member: str, found: list[Any], params: Params) -> Params:
    size = params.get("MaxResults", PAGE)
    if not 1 <= size <= PAGE:
        raise validation(f"MaxResults must be from 1 to {PAGE}, not {size}")
    try:
        start = int(base64.b64decode(params.get("NextToken", "")) or 0)
    except ValueError as error:
        raise AwsError("InvalidNextTokenException", "Invalid NextToken") from error
    stop = start + size
    more = {"NextToken": base64.b64encode(str(stop).encode()).decode()}
    return {member: found[start:stop]} | (more if stop < len(found) else {})


@SERVICE.operation("PutScalingPolicy")
def put_scaling_policy(call: Call, params: Params) -> Params:
    dimension = dimension_of(params)
    find_target(call, params)
    key = records.policy_key(params)
    known = call.app.store.get(POLICY, call.region, key)
    kind = params.get("PolicyType", known["PolicyType"] if known else "StepScaling")
    if known and kind != known["PolicyType"]:
        raise validation(f"The type of policy {params['PolicyName']} cannot be changed to {kind}")
    if kind == "PredictiveScaling":
        raise validation("PredictiveScaling is only supported for Amazon ECS")
    member = f"{kind}PolicyConfiguration"
    if member not in params:
        raise validation(f"A policy of type {kind} must have a {member}")
    config = params[member]
    if kind == "TargetTrackingScaling":
        tracking.check(dimension, config)
    else:
        arithmetic.check_steps(config)
    arn = (
        f"arn:aws:autoscaling:{call.region}:{ACCOUNT}:scalingPolicy:{uuid.uuid4()}:"
        f"resource/sagemaker/{params['ResourceId']}:policyName/{params['PolicyName']}"
    )
    policy: Record = {
        **{name: params[name] for name in (*_IDENTITY, "PolicyName")},
        "PolicyARN": known["PolicyARN"] if known else arn,
        "PolicyType": kind,
        "CreationTime": known["CreationTime"] if known else call.app.cloudwatch.clock.now(),
        "Alarms": known["Alarms"] if known else [],
        member: config,
    }
    call.app.store.put(POLICY, call.region, key, policy)
    if kind == "TargetTrackingScaling":
        policy["Alarms"] = tracking.put_alarms(call, dimension, policy)
        call.app.store.put(POLICY, call.region, key, policy)
    return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}


@SERVICE.operation("DescribeScalingPolicies")
def describe_scaling_policies(call: Call, params: Params) -> Params:
    found = [
        {**policy, "Alarms": policy["Alarms"] or _alarms_of(call, policy["PolicyARN"])}
        for policy in _of(call, POLICY, params)
        if policy["PolicyName"] in params.get("PolicyNames", [policy["PolicyName"]])
    ]
    return _page("ScalingPolicies", found, params)


def _alarms_of(call: Call, policy_arn: str) -> list[dict[str, str]]:
    """The alarms that a step scaling policy is an action of."""
    return [
        {"AlarmName": alarm["AlarmName"], "AlarmARN": alarm["AlarmArn"]}
        for alarm in call.app.store.all(ALARM, call.region)
        if any(policy_arn in alarm.get(member, []) for member in ACTIONS.values())
    ]


@SERVICE.operation("DeleteScalingPolicy")
def delete_scaling_policy(call: Call, params: Params) -> Params:
    """A step scaling policy leaves its alarms, which lose the action."""
    key = records.policy_key(params)
    policy = call.app.store.get(POLICY, call.region, key)
    if policy is None:
        raise AwsError(
            "ObjectNotFoundException",
            f"No scaling policy found for service namespace: {params['ServiceNamespace']}, "
            f"resource ID: {params['ResourceId']}, scalable dimension: "
            f"{params['ScalableDimension']}, policy name: {params['PolicyName']}",
        )
    tracking.delete_alarms(call, policy)
    for alarm in _alarms_of(call, policy["PolicyARN"]):
        call.app.store.update(
            ALARM, call.region, alarm["AlarmName"], lambda r: _drop(r, policy["PolicyARN"])
        )
    call.app.store.delete(POLICY, call.region, key)
    return {}


def _drop(alarm: Record, arn: str) -> None:
    for member in ACTIONS.values():
        alarm[member] = [action for action in alarm.get(member, []) if action != arn]


@SERVICE.operation("PutScheduledAction")
def put_scheduled_action(call: Call, params: Params) -> Params:
    dimension_of(params)
    find_target(call, params)
    clock = call.app.cloudwatch.clock
    key, now = records.action_key(params), clock.now()
    known = call.app.store.get(ACTION, call.region, key)
    if known is None and "Schedule" not in params:
        raise validation("A new scheduled action must have a Schedule")
    arn = (
        f"arn:aws:autoscaling:{call.region}:{ACCOUNT}:scheduledAction:{uuid.uuid4()}:"
        f"resource/sagemaker/{params['ResourceId']}:"
        f"scheduledActionName/{params['ScheduledActionName']}"
    )
    action: Record = {"CreationTime": now, "ScheduledActionARN": arn, **(known or {}), **params}
    bounds = action.get("ScalableTargetAction", {})
    if not bounds:
        raise validation("A scheduled action must have a MinCapacity or a MaxCapacity")
    if bounds.get("MinCapacity", 0) > bounds.get("MaxCapacity", bounds.get("MinCapacity", 0)):
        raise validation("MinCapacity must not be above MaxCapacity")
    schedule.read(action["Schedule"], action.get("Timezone"), now, clock.scale)
    action["_next"] = next_time(action, now, clock.scale)
    call.app.store.put(ACTION, call.region, key, action)
    return {}


@SERVICE.operation("DescribeScheduledActions")
def describe_scheduled_actions(call: Call, params: Params) -> Params:
    names = params.get("ScheduledActionNames")
    found = [
        action
        for action in _of(call, ACTION, params)
        if names is None or action["ScheduledActionName"] in names
    ]
    return _page("ScheduledActions", found, params)


@SERVICE.operation("DeleteScheduledAction")
def delete_scheduled_action(call: Call, params: Params) -> Params:
    key = records.action_key(params)
    if call.app.store.get(ACTION, call.region, key) is None:
        raise AwsError(
            "ObjectNotFoundException",
            f"No scheduled action found for service namespace: {params['ServiceNamespace']}, "
            f"resource ID: {params['ResourceId']}, scalable dimension: "
            f"{params['ScalableDimension']}, scheduled action name: "
            f"{params['ScheduledActionName']}",
        )
    call.app.store.delete(ACTION, call.region, key)
    return {}


@SERVICE.operation("DescribeScalingActivities")
def describe_scaling_activities(call: Call, params: Params) -> Params:
    if "ScalableDimension" in params and "ResourceId" not in params:
        raise validation("With a ScalableDimension, a resource ID must be given")
    found = [
        activity
        for activity in activities.all_of(call)
        if all(params.get(m, activity[m]) == activity[m] for m in _IDENTITY)
        and (params.get("IncludeNotScaledActivities") or "NotScaledReasons" not in activity)
    ]
    return _page("ScalingActivities", found, params)


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
