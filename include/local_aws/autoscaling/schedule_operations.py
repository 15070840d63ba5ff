"""Scheduled actions, and the activities that they and the policies made."""

from __future__ import annotations

import uuid

from local_aws import ACCOUNT
from local_aws.autoscaling import activities, next_time, records, schedule
from local_aws.autoscaling.api import IDENTITY, SERVICE, page, records_of
from local_aws.autoscaling.dimensions import dimension_of
from local_aws.autoscaling.records import ACTION, find_target
from local_aws.errors import AwsError, validation
from local_aws.sagemaker.registry import Call, Params
from local_aws.store import Record


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
        for action in records_of(call, ACTION, params)
        if names is None or action["ScheduledActionName"] in names
    ]
    return page("ScheduledActions", found, params)


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
        if all(params.get(m, activity[m]) == activity[m] for m in IDENTITY)
        and (params.get("IncludeNotScaledActivities") or "NotScaledReasons" not in activity)
    ]
    return page("ScalingActivities", found, params)
