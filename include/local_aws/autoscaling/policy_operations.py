"""Scaling policies: put, described, deleted."""

from __future__ import annotations

import uuid

from local_aws import ACCOUNT
from local_aws.autoscaling import arithmetic, records, tracking
from local_aws.autoscaling.api import IDENTITY, SERVICE, page, records_of
from local_aws.autoscaling.dimensions import dimension_of
from local_aws.autoscaling.records import POLICY, find_target
from local_aws.cloudwatch.alarms import ACTIONS
from local_aws.cloudwatch.alarms import KIND as ALARM
from local_aws.errors import AwsError, validation
from local_aws.sagemaker.registry import Call, Params
from local_aws.store import Record


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
        **{name: params[name] for name in (*IDENTITY, "PolicyName")},
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
        for policy in records_of(call, POLICY, params)
        if policy["PolicyName"] in params.get("PolicyNames", [policy["PolicyName"]])
    ]
    return page("ScalingPolicies", found, params)


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
