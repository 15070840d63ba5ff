"""What all operations of Application Auto Scaling share."""

from __future__ import annotations

import base64
from typing import Any

from local_aws.errors import AwsError, validation
from local_aws.sagemaker.registry import Call, Params
from local_aws.service import Service
from local_aws.store import Record

SERVICE = Service("application-autoscaling")

PAGE = 50
# What identifies a scalable target.
IDENTITY = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def records_of(call: Call, kind: str, params: Params) -> list[Record]:
    """Records of the request's namespace, resource and dimension, the oldest first."""
    if "ScalableDimension" in params and not params.keys() & {"ResourceId", "ResourceIds"}:
        raise validation("With a ScalableDimension, a resource ID must be given")
    found = call.app.store.all(kind, call.region)
    found = [r for r in found if all(params.get(m, r[m]) == r[m] for m in IDENTITY)]
    return sorted(found, key=lambda record: record["CreationTime"])


def page(member: str, found: list[Any], params: Params) -> Params:
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
