"""InvokeEndpoint of an inference component."""

from __future__ import annotations

import time

from local_aws.app import App
from local_aws.errors import AwsError
from local_aws.execution.components import Component
from local_aws.execution.fleet import Traffic
from local_aws.execution.instances import NoInstances
from local_aws.execution.meter import invocation as metrics_of
from local_aws.execution.model_server import Answer, InvocationTimeout
from local_aws.execution.variant import Invocation, Variant
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

COMPONENT_HEADER = f"{PREFIX}Inference-Component"

NO_NAME = (
    "Inference Component Name header is required for endpoints to which you plan to deploy inference "
    "components. Please include Inference Component Name header or consider using SageMaker models."
)
# As quoted in AWS's post on scaling down to zero and in the samples of it.
NO_CAPACITY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be "
    "in-progress (if configured) or try to increase the capacity by invoking "
    "UpdateInferenceComponentRuntimeConfig API."
)


def invoke_component(
    app: App, request: Request, traffic: Traffic, endpoint: str, started: float
) -> Response:
    """Answer by a copy of the component that the request names. Raises `ValidationError`, also when
    it has no copies."""
    deployment, component = traffic.choose(), _component(request, traffic, endpoint)
    assert deployment is not None
    asked = asked_of(request)
    check_size(asked, Variant.max_payload)
    answered = _send(app, request.region, component, asked)
    overhead = time.monotonic() - started - answered.latency
    by_unit = metrics_of(answered.status, answered.latency, overhead, 1)
    for unit, values in by_unit.items():
        app.meter.variant(deployment.site, component.variant, values, unit)
        app.meter.put(request.region, {"InferenceComponentName": component.name}, values, unit)
    per_copy = {"InvocationsPerCopy": 1.0 / max(1, component.copies)}
    app.meter.put(request.region, {"InferenceComponentName": component.name}, per_copy)
    return response_to(request, deployment, component.variant, asked, answered)


def _component(request: Request, traffic: Traffic, endpoint: str) -> Component:
    name = request.header(COMPONENT_HEADER)
    if name is None:
        raise AwsError("ValidationError", NO_NAME)
    if name not in traffic.components:
        message = f"Inference Component {name} was not found for endpoint {endpoint}"
        raise AwsError("ValidationError", message)
    return traffic.components[name]


def _send(app: App, region: str, component: Component, asked: Invocation) -> Answer:
    for _ in range(ATTEMPTS):
        copies = component.choose()
        try:
            if copies is not None:
                return copies.invoke(asked)
        except NoInstances:
            continue
        except InvocationTimeout:
            return timed_out(asked)
        except OSError as error:
            return unavailable(error)
    dimensions = {"InferenceComponentName": component.name}
    app.meter.put(region, dimensions, {"NoCapacityInvocationFailures": 1.0})
    raise AwsError("ValidationError", NO_CAPACITY)
