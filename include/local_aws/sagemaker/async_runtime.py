"""InvokeEndpointAsync: into the endpoint's queue, with the places where the answer will be."""

from __future__ import annotations

import base64
import time
import uuid

from botocore.model import Shape

from local_aws.errors import AwsError
from local_aws.execution.fleet import Traffic
from local_aws.http import Request, Response, json_response
from local_aws.protocol import service_model
from local_aws.store import Record
from local_aws.validation import check

PREFIX = "X-Amzn-SageMaker-"
# Seconds, where the request does not say.
TTL, TIMEOUT = 21600, 900


def enqueue(request: Request, traffic: Traffic, endpoint: str) -> Response:
    """Answer 202 with InferenceId, OutputLocation and FailureLocation. Raises `ValidationError`."""
    queue = traffic.queue
    if queue is None or traffic.serving is None:
        raise AwsError(
            "ValidationError",
            f"Endpoint {endpoint} is not an asynchronous endpoint: use InvokeEndpoint",
        )
    body = request.read()
    asked = _members(request)
    _check(asked, endpoint, body)
    inference_id = asked.get("InferenceId") or str(uuid.uuid4())
    output = queue.config["OutputConfig"]
    name = asked.get("Filename") or f"{inference_id}.out"
    extension = asked.get("S3OutputPathExtension", "").strip("/")
    where = "/".join(part for part in (output["S3OutputPath"].rstrip("/"), extension, name) if part)
    headers = {
        "Content-Type": asked.get("ContentType"),
        "Accept": asked.get("Accept"),
        f"{PREFIX}Custom-Attributes": asked.get("CustomAttributes"),
        f"{PREFIX}Inference-Id": inference_id,
    }
    entry: Record = {
        "EndpointName": endpoint,
        "InferenceId": inference_id,
        "OutputLocation": where,
        "_headers": {k: v for k, v in headers.items() if v is not None},
        "_received": time.time(),
        "_ttl": int(asked.get("RequestTTLSeconds", TTL)),
        "_timeout": float(asked.get("InvocationTimeoutSeconds", TIMEOUT)),
        "_variant": next(iter(traffic.serving.variants)),
    }
    if "S3FailurePath" in output:
        entry["FailureLocation"] = f"{output['S3FailurePath'].rstrip('/')}/{inference_id}-error.out"
    if body:
        entry["_body"] = base64.b64encode(body).decode()
    else:
        entry["InputLocation"] = asked["InputLocation"]
    queue.put(entry)
    response = json_response({"InferenceId": inference_id}, 202)
    for member in ("OutputLocation", "FailureLocation"):
        if member in entry:
            response.headers.append((PREFIX + member, entry[member]))
    return response


def _shape() -> Shape:
    model = service_model("sagemaker-runtime")
    shape = model.operation_model("InvokeEndpointAsync").input_shape
    assert shape is not None
    return shape


def _members(request: Request) -> dict[str, str]:
    """The request's headers by the names of the service model."""
    found = {}
    for member, shape in _shape().members.items():
        header = shape.serialization.get("name")
        value = request.header(header) if shape.serialization.get("location") == "header" else None
        if value is not None:
            found[member] = value
    return found


def _check(asked: dict[str, str], endpoint: str, body: bytes) -> None:
    numbers = ("RequestTTLSeconds", "InvocationTimeoutSeconds")
    if not all(asked.get(name, "0").isdigit() for name in numbers):
        raise AwsError("ValidationError", f"{' and '.join(numbers)} are whole numbers of seconds")
    typed = {k: int(v) if k in numbers else v for k, v in asked.items()}
    try:
        check(
            {"EndpointName": endpoint, **typed, "Body": base64.b64encode(body).decode()}, _shape()
        )
    except AwsError as error:
        raise AwsError("ValidationError", error.message) from error
    if bool(body) == ("InputLocation" in asked):
        raise AwsError("ValidationError", "Give exactly one of InputLocation and Body")
