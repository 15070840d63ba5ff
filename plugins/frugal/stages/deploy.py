"""The endpoint in the form that model.yaml asks for: each form's requests are built in serving/."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from frugal.aws.run import Inputs
from frugal.serving import asynchronous, realtime, serverless
from frugal.serving.names import endpoint_name
from frugal.spec import ModelSpec
from frugal.stages.common import Stage
from frugal.stages.evaluate import lost

UPSTREAM = ("prepare", "train", "evaluate", "compile")
BUILDERS: dict[str, Callable[[ModelSpec, Inputs], dict[str, Any]]] = {
    "realtime": realtime.request,
    "inferentia": realtime.request,
    "serverless": serverless.request,
    "async": asynchronous.request,
}


def stage(spec: ModelSpec) -> Stage:
    """The model's one endpoint, created or updated when the challenger won."""
    return Stage(
        name="deploy",
        kind="endpoint",
        base_name=endpoint_name(spec),
        requests=[partial(request, spec)],
        upstream=UPSTREAM,
        skip=not_deployed,
    )


def not_deployed(inputs: Inputs) -> str | None:
    """Why the endpoint stays as it is; None when the challenger goes live."""
    if not inputs.params.get("deploy", True):
        return "the run was started with deploy = false"
    return lost(inputs)


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """What the strategy's builder asks of AWS."""
    return BUILDERS[spec.deploy.strategy](spec, inputs)
