"""The message that SNS gets of an asynchronous invocation."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from local_aws.store import Record

# Above this the response is not part of the message.
MOST_RESPONSE = 128 * 1024


def notification(
    region: str,
    request: Record,
    config: dict[str, Any],
    response: tuple[str, bytes],
    failure: str,
) -> dict[str, Any]:
    """The message for the success topic, or with a `failure` reason for the error topic.

    Its members are those of the developer guide's page on checking asynchronous predictions; the form
    of `responseBody` is unverified.
    """
    content_type, body = response
    message: dict[str, Any] = {
        "awsRegion": region,
        "eventTime": _iso(datetime.now(UTC).timestamp()),
        "receivedTime": _iso(request["_received"]),
        "invocationStatus": "Failed" if failure else "Completed",
        "requestParameters": {
            "contentType": request["_headers"].get("Content-Type", ""),
            "endpointName": request["EndpointName"],
            **({"inputLocation": request["InputLocation"]} if "InputLocation" in request else {}),
        },
        "inferenceId": request["InferenceId"],
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    if failure:
        message["failureReason"] = failure
        if "FailureLocation" in request:
            message["responseParameters"] = {"outputLocation": request["FailureLocation"]}
    else:
        message["responseParameters"] = {
            "contentType": content_type,
            "outputLocation": request["OutputLocation"],
        }
    topic = "ERROR_NOTIFICATION_TOPIC" if failure else "SUCCESS_NOTIFICATION_TOPIC"
    if topic in config.get("IncludeInferenceResponseIn", []) and len(body) <= MOST_RESPONSE:
        content = base64.b64encode(body).decode()
        message["responseBody"] = {"content": content, "encoding": "BASE64"}
    return message


def _iso(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
