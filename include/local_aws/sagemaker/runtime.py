"""InvokeEndpoint: to the container and back, measured and captured."""

from __future__ import annotations

import json
import re
import time

from local_aws import ACCOUNT
from local_aws.app import App
from local_aws.errors import AwsError, unknown_operation
from local_aws.execution.fleet import ENDPOINT, Deployment
from local_aws.execution.model_server import Answer, InvocationTimeout
from local_aws.execution.variant import Throttled, Variant
from local_aws.http import Request, Response

_PATH = re.compile(r"/endpoints/([^/]+)/invocations$")

# How long an invocation waits for the servers of an endpoint that is InService to come back after
# a restart of this process.
PATIENCE = 60.0

PREFIX = "X-Amzn-SageMaker-"

# Request headers that need what is not here.
UNSERVED = ("Target-Model", "Inference-Component", "Session-Id")


def matches(request: Request) -> bool:
    """Whether a request is for the runtime rather than the control plane."""
    return request.path.startswith("/endpoints/")


def answer(app: App, request: Request) -> Response:
    """Answer a request to `/endpoints/...`; raises `AwsError`."""
    match = _PATH.match(request.path)
    if match is None or request.method != "POST":
        raise unknown_operation("sagemaker-runtime", f"{request.method} {request.path}")
    for header in UNSERVED:
        if request.header(PREFIX + header):
            raise AwsError("ValidationError", f"The local AWS does not serve {PREFIX}{header} yet")
    started, name, body = time.monotonic(), match[1], request.read()
    deployment = _deployment(app, request.region, name)
    variant = _variant(deployment, request.header(f"{PREFIX}Target-Variant"), name)
    if len(body) > variant.max_payload:
        raise AwsError("ValidationError", f"The body is larger than {variant.max_payload} bytes")
    response = _invoke(app, request, variant, name, body)
    status, latency = response.status, response.latency
    overhead = time.monotonic() - started - latency
    app.meter.count(request.region, name, variant.name, status, latency, overhead)
    if not 200 <= status < 300:
        raise _model_error(request.region, name, response)
    content_type = response.headers.get("Content-Type", "application/octet-stream")
    attributes = request.header(f"{PREFIX}Custom-Attributes")
    if deployment.capture:
        asked = (request.header("Content-Type") or "application/octet-stream", body)
        inference_id = request.header(f"{PREFIX}Inference-Id")
        answered = (content_type, response.body)
        deployment.capture.record(variant.name, asked, answered, inference_id, attributes)
    headers = [("Content-Type", content_type), ("x-Amzn-Invoked-Production-Variant", variant.name)]
    own = response.headers.get(f"{PREFIX}Custom-Attributes") or attributes
    headers += [(f"{PREFIX}Custom-Attributes", own)] if own else []
    return Response(200, headers, response.body)


def _deployment(app: App, region: str, name: str) -> Deployment:
    record = app.store.get(ENDPOINT, region, name)
    served = record is not None and record["EndpointStatus"] in ("InService", "Updating")
    deployment = app.fleet.find(region, name, PATIENCE) if served else None
    if deployment is None:
        raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
    return deployment


def _variant(deployment: Deployment, wanted: str | None, endpoint: str) -> Variant:
    try:
        return deployment.choose(wanted)
    except KeyError as error:
        message = f"Variant {wanted} was not found for endpoint {endpoint}"
        raise AwsError("ValidationError", message) from error


def _invoke(app: App, request: Request, variant: Variant, name: str, body: bytes) -> Answer:
    passed = ("Content-Type", "Accept", f"{PREFIX}Custom-Attributes", f"{PREFIX}Inference-Id")
    headers = {header: request.header(header) for header in passed}
    try:
        return variant.invoke(body, {k: v for k, v in headers.items() if v is not None})
    except Throttled as error:
        app.meter.count(request.region, name, variant.name, 429, 0.0, 0.0)
        raise AwsError("ThrottlingException", "Rate exceeded", 429) from error
    except InvocationTimeout:
        text = b"Your invocation timed out while waiting for a response from container primary"
        return Answer(504, {}, text, 60.0)
    except OSError as error:
        return Answer(503, {}, f"The container is not available: {error}".encode(), 0.0)


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
