"""Scaling activities: what was done to a target and why, kept in the order they happened."""

from __future__ import annotations

import uuid
from typing import Any

from local_aws.sagemaker.registry import Call
from local_aws.store import Record

KIND = "scaling-activities"
# The latest of each target; AWS keeps six weeks of them.
KEPT = 100

Activity = dict[str, Any]


def key(dimension: str, resource_id: str) -> str:
    """What a target's records are kept under."""
    return f"{dimension} {resource_id}"


def all_of(call: Call) -> list[Activity]:
    """Of all targets of the region, the latest first."""
    records = call.app.store.all(KIND, call.region)
    found = [activity for record in records for activity in record["activities"]]
    return sorted(found, key=lambda a: a["StartTime"], reverse=True)


def last(call: Call, name: str) -> Activity | None:
    activities = _of(call, name)
    return activities[-1] if activities else None


def last_done(call: Call, name: str, direction: str) -> Activity | None:
    """The latest change in a direction, "out" or "in", that a policy made."""
    done = [a for a in _of(call, name) if a.get("_direction") == direction]
    return done[-1] if done else None


def _of(call: Call, name: str) -> list[Activity]:
    record = call.app.store.get(KIND, call.region, name)
    return record["activities"] if record else []


def add(call: Call, target: Record, activity: Activity) -> Activity:
    """Add an activity of a target; it is given an id."""
    identity = ("ServiceNamespace", "ResourceId", "ScalableDimension")
    whole = {"ActivityId": str(uuid.uuid4())} | {k: target[k] for k in identity} | activity
    name = key(target["ScalableDimension"], target["ResourceId"])
    kept = [*_of(call, name), whole][-KEPT:]
    call.app.store.put(KIND, call.region, name, {"activities": kept})
    return whole


def change(call: Call, activity: Activity, **members: Any) -> None:
    """Set members of an activity."""
    name = key(activity["ScalableDimension"], activity["ResourceId"])

    def apply(record: Record) -> None:
        for known in record["activities"]:
            if known["ActivityId"] == activity["ActivityId"]:
                known.update(members)

    call.app.store.update(KIND, call.region, name, apply)
