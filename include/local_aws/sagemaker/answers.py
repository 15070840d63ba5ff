"""From a request to what a container is asked, and from its answer to the client's."""

from __future__ import annotations

import json

from local_aws import ACCOUNT
from local_aws.errors import AwsError
from local_aws.execution.deployment import Deployment
from local_aws.execution.model_server import Answer
from local_aws.execution.variant import Invocation
from local_aws.http import Request, Response

# An invocation that met a fleet just as it went away is sent to the one that took its place.
ATTEMPTS = 3

PREFIX = "X-Amzn-SageMaker-"
PASSED = ("Content-Type", "Accept", f"{PREFIX}Custom-Attributes", f"{PREFIX}Inference-Id")


def asked_of(request: Request) -> Invocation:
    """What the container is asked: the body, and the headers that SageMaker passes on."""
    headers = {header: request.header(header) for header in PASSED}
    return Invocation(
        request.read(),
        {k: v for k, v in headers.items() if v is not None},
        target_model=request.header(f"{PREFIX}Target-Model") or "",
    )


def check_size(asked: Invocation, most: int) -> None:
    """Raise `ValidationError` for a body above `most` bytes."""
    if len(asked.body) > most:
        raise AwsError("ValidationError", f"The body is larger than {most} bytes")


def timed_out(asked: Invocation) -> Answer:
    text = b"Your invocation timed out while waiting for a response from container primary"
    return Answer(504, {}, text, asked.timeout)


def unavailable(error: OSError) -> Answer:
    return Answer(503, {}, f"The container is not available: {error}".encode(), 0.0)


def response_to(
    request: Request, deployment: Deployment, variant: str, asked: Invocation, answered: Answer
) -> Response:
    """The client's answer, captured if the deployment captures. Raises `ModelError` for a container's
    failure."""
    if not 200 <= answered.status < 300:
        raise _model_error(request.region, deployment.site.endpoint, answered)
    content_type = answered.headers.get("Content-Type", "application/octet-stream")
    attributes = request.header(f"{PREFIX}Custom-Attributes")
    if deployment.capture:
        sent = (request.header("Content-Type") or "application/octet-stream", asked.body)
        inference_id = request.header(f"{PREFIX}Inference-Id")
        got = (content_type, answered.body)
        deployment.capture.record(variant, sent, got, inference_id, attributes)
    headers = [("Content-Type", content_type), ("x-Amzn-Invoked-Production-Variant", variant)]
    own = answered.headers.get(f"{PREFIX}Custom-Attributes") or attributes
    headers += [(f"{PREFIX}Custom-Attributes", own)] if own else []
    return Response(200, headers, answered.body)


def _model_error(region: str, endpoint: str, response: Answer) -> AwsError:
    text = response.body.decode(errors="replace")[:1024]
    kind = "client" if response.status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    url = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer"
    return AwsError(
        "ModelError",
        f"Received {kind} error ({response.status}) from primary with message "
        f"{json.dumps(text)}. See {url}:group={group} in account {ACCOUNT} for more information.",
        424,
        OriginalStatusCode=response.status,
        OriginalMessage=text,
        LogStreamArn=f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}",
    )
