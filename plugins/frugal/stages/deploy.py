"""What goes live, in the form that model.yaml asks for: each form's requests are built in serving/."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from frugal.aws.run import Inputs
from frugal.serving import asynchronous, batch, multi_model, realtime, scale_to_zero, serverless
from frugal.serving.hand_over import make_room
from frugal.serving.names import component_name, endpoint_name
from frugal.spec import ModelSpec
from frugal.stages.common import Stage
from frugal.stages.evaluate import lost

TRAINED = ("prepare", "train", "evaluate", "compile")
BUILDERS: dict[str, Callable[[ModelSpec, Inputs], dict[str, Any]]] = {
    "realtime": realtime.request,
    "inferentia": realtime.request,
    "serverless": serverless.request,
    "async": asynchronous.request,
    "multi-model": multi_model.request,
    "scale-to-zero": scale_to_zero.request,
    "batch": batch.check_request,
}
#: The task before `deploy` that a strategy has besides.
FIRST = {"multi-model": "publish_model", "batch": "create_model"}


def stages(spec: ModelSpec) -> list[Stage]:
    """The endpoint, and the inference component on it; in batch a transform job over held-out rows.

    Left out when the challenger lost, and in a run that is not to deploy.
    """
    strategy = spec.deploy.strategy
    first = FIRST.get(strategy)
    deploy = Stage(
        name="deploy",
        kind="transform" if strategy == "batch" else "endpoint",
        base_name=f"{spec.name}-batch-check" if strategy == "batch" else endpoint_name(spec),
        requests=[partial(request, spec)],
        upstream=(*TRAINED, first) if first else TRAINED,
        skip=not_deployed,
        enter=partial(make_room, spec),
    )
    if strategy != "scale-to-zero":
        return [deploy]
    component = Stage(
        name="component",
        kind="inference-component",
        base_name=component_name(spec),
        requests=[partial(scale_to_zero.component_request, spec)],
        upstream=TRAINED,
        skip=not_deployed,
    )
    return [deploy, component]


def not_deployed(inputs: Inputs) -> str | None:
    """Why the endpoint stays as it is; None when the challenger goes live."""
    if not inputs.params.get("deploy", True):
        return "the run was started with deploy = false"
    return lost(inputs)


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """What the strategy's builder asks of AWS."""
    return BUILDERS[spec.deploy.strategy](spec, inputs)
