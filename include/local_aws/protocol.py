"""AWS's JSON 1.1 protocol over botocore's own service models: who is asked, in which region, for
what; the answer cut down to what the operation's output shape holds."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from functools import cache
from typing import Any

import botocore.loaders
import botocore.utils
from botocore.model import OperationModel, ServiceModel, Shape

from local_aws import DEFAULT_REGION
from local_aws.errors import AwsError
from local_aws.http import Request, Response, json_response

CONTENT_TYPE = "application/x-amz-json-1.1"


@cache
def service_model(name: str) -> ServiceModel:
    description = botocore.loaders.Loader().load_service_model(name, "service-2")
    return ServiceModel(description, name)


def credential_scope(authorization: str, credential: str) -> tuple[str, str]:
    """(signing name, region) of a SigV4 header or presigned URL; S3 in us-east-1 when unsigned."""
    scope = credential or authorization.partition("Credential=")[2].partition(",")[0]
    parts = scope.split("/")
    if len(parts) == 5:
        return parts[3].lower(), parts[2]
    return "s3", DEFAULT_REGION


def operation_name(request: Request) -> str:
    return (request.header("X-Amz-Target") or "").rpartition(".")[2]


def parse_body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.read() or b"{}")
    except ValueError as error:
        raise AwsError("SerializationException", f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise AwsError("SerializationException", "The body is not a JSON object")
    return body


def project(value: Any, shape: Shape) -> Any:
    """The value with only the members that the shape knows; times become epoch seconds."""
    if value is None:
        return None
    if shape.type_name == "structure":
        members = shape.members
        return {
            name: project(value[name], member)
            for name, member in members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [project(item, shape.member) for item in value]
    if shape.type_name == "map":
        return {k: project(v, shape.value) for k, v in value.items()}
    if shape.type_name == "timestamp":
        return to_epoch(value)
    return value


def to_epoch(value: Any) -> float:
    """Seconds since 1970 of whatever form of time a client sent."""
    if isinstance(value, (int, float)):
        return float(value)
    when = value if isinstance(value, datetime) else botocore.utils.parse_timestamp(value)
    return round(when.timestamp(), 3)


def success(result: dict[str, Any], operation: OperationModel) -> Response:
    shape = operation.output_shape
    payload = project(result, shape) if shape else {}
    return _with_id(json_response(payload, 200, CONTENT_TYPE))


def failure(error: AwsError) -> Response:
    members = {"__type": error.code, "message": error.message, "Message": error.message}
    response = json_response(members | error.members, error.status, CONTENT_TYPE)
    response.headers.append(("x-amzn-ErrorType", error.code))
    return _with_id(response)


def _with_id(response: Response) -> Response:
    response.headers.append(("x-amzn-RequestId", str(uuid.uuid4())))
    return response
