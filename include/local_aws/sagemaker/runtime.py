"""The runtime: InvokeEndpoint, to the container and back, measured and captured."""

from __future__ import annotations

import re
import time
import uuid

from local_aws import ACCOUNT
from local_aws.app import App
from local_aws.errors import AwsError, unknown_operation
from local_aws.execution.fleet import ENDPOINT, Deployment, Traffic
from local_aws.execution.instances import NoInstances
from local_aws.execution.meter import invocation as metrics_of
from local_aws.execution.model_cache import NotReady
from local_aws.execution.model_server import Answer, InvocationTimeout
from local_aws.execution.multi_model import NoSuchModel
from local_aws.execution.transfer import DownloadError
from local_aws.execution.variant import Invocation, Throttled, Variant
from local_aws.http import Request, Response
from local_aws.sagemaker.answers import (
    ATTEMPTS,
    PREFIX,
    asked_of,
    check_size,
    response_to,
    timed_out,
    unavailable,
)
from local_aws.sagemaker.async_runtime import enqueue
from local_aws.sagemaker.component_runtime import COMPONENT_HEADER, invoke_component

_PATH = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations)$")

# How long an invocation waits for the servers of an endpoint that is InService to come back after
# a restart of this process.
PATIENCE = 60.0

SERVED = frozenset(
    {"InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"}
)

NOT_READY = (
    "The target model is not loaded, and every model that is loaded is in use. Wait and try your "
    "request again."
)

# Request headers that need what is not here.
UNSERVED = ("Session-Id", "Target-Container-Hostname")


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
    started, (name, what) = time.monotonic(), match.groups()
    traffic = _traffic(app, request.region, name)
    if what == "async-invocations":
        return enqueue(request, traffic, name)
    if traffic.queue:
        message = f"Endpoint {name} is an asynchronous endpoint: use InvokeEndpointAsync"
        raise AwsError("ValidationError", message)
    if traffic.serving and any(v.hosts_components for v in traffic.serving.variants.values()):
        return invoke_component(app, request, traffic, name, started)
    if request.header(COMPONENT_HEADER):
        message = f"Endpoint {name} does not host inference components"
        raise AwsError("ValidationError", message)
    return _invoke_endpoint(app, request, traffic, name, started)


def _invoke_endpoint(
    app: App, request: Request, traffic: Traffic, name: str, started: float
) -> Response:
    asked = asked_of(request)
    deployment, variant, answered = _send(app, request, traffic, name, asked)
    overhead = time.monotonic() - started - answered.latency
    count = variant.instances.count
    for unit, values in metrics_of(answered.status, answered.latency, overhead, count).items():
        app.meter.variant(deployment.site, variant.name, values, unit)
    for shadow in deployment.shadows:
        shadow.mirror(asked)
    return response_to(request, deployment, variant.name, asked, answered)


def _traffic(app: App, region: str, name: str) -> Traffic:
    record = app.store.get(ENDPOINT, region, name)
    served = record is not None and record["EndpointStatus"] in SERVED
    traffic = app.fleet.find(region, name, PATIENCE) if served else None
    if traffic is None:
        raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
    return traffic


def _send(
    app: App, request: Request, traffic: Traffic, endpoint: str, asked: Invocation
) -> tuple[Deployment, Variant, Answer]:
    """The answer, and whose it is."""
    for attempt in range(1, ATTEMPTS + 1):
        deployment = traffic.choose()
        if deployment is None:
            raise AwsError(
                "ValidationError", f"Endpoint {endpoint} of account {ACCOUNT} not found."
            )
        variant = _variant(deployment, request.header(f"{PREFIX}Target-Variant"), endpoint)
        check_size(asked, variant.max_payload)
        _check_target(variant, asked.target_model, endpoint)
        try:
            return deployment, variant, variant.invoke(asked)
        except Throttled as error:
            for unit, values in metrics_of(429, 0.0, 0.0, 1).items():
                app.meter.variant(deployment.site, variant.name, values, unit)
            raise AwsError("ThrottlingException", "Rate exceeded", 429) from error
        except NoSuchModel as error:
            raise AwsError("ValidationError", str(error)) from error
        except DownloadError as error:
            message = f"Failed to unpack model data of {asked.target_model}: {error}"
            raise AwsError("ValidationError", message) from error
        except NotReady as error:
            raise AwsError("ModelNotReadyException", NOT_READY, 429) from error
        except InvocationTimeout:
            return deployment, variant, timed_out(asked)
        except NoInstances as error:
            if attempt == ATTEMPTS:
                return deployment, variant, unavailable(error)
        except OSError as error:
            return deployment, variant, unavailable(error)
    raise AssertionError


def _check_target(variant: Variant, target: str, endpoint: str) -> None:
    """Multi-model endpoints are asked for a model, others are not."""
    if target and not variant.multi_model:
        raise AwsError(
            "ValidationError",
            f"Endpoint {endpoint} is not a multi-model endpoint and does not support target model "
            "header.",
        )
    if variant.multi_model and not target:
        raise AwsError(
            "ValidationError", f"Request {uuid.uuid4()} is missing a target model header."
        )


def _variant(deployment: Deployment, wanted: str | None, endpoint: str) -> Variant:
    try:
        return deployment.choose(wanted)
    except KeyError as error:
        message = f"Variant {wanted} was not found for endpoint {endpoint}"
        raise AwsError("ValidationError", message) from error
