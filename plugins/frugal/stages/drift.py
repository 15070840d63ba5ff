"""The traffic of a window against the champion's baseline."""

from __future__ import annotations

from functools import partial
from typing import Any

from frugal.aws import windows
from frugal.aws.run import Inputs
from frugal.spec import ModelSpec
from frugal.stages.common import (
    Stage,
    data_image,
    manifest_input,
    processing_output,
    processing_request,
)

#: What the task before it leaves: what `windows.find` found.
WINDOW = "find_window"
IN_ENVIRONMENT = "FRUGAL_WINDOW"


def base_name(spec: ModelSpec) -> str:
    """What the names of a model's drift jobs start with; its events are known by it."""
    return f"{spec.name}-drift"


def stage(spec: ModelSpec) -> Stage:
    """A Processing job over one window."""
    return Stage(
        name="drift",
        base_name=base_name(spec),
        requests=[partial(request, spec)],
        upstream=["prepare", WINDOW],
        document=document,
    )


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob: captured traffic, baseline and maybe ground truth in; verdict and report out."""
    run, found = inputs.run, inputs[WINDOW]
    sources = {"baseline": found["baseline"], "evaluation": found["evaluation"]}
    asked = processing_request(
        inputs,
        stage="drift",
        module="drift",
        image=data_image(spec, inputs),
        role="train",
        instance=spec.monitor.instance,
        max_run=spec.monitor.max_run,
        sources=sources,
        outputs=[processing_output("drift", windows.place(run, found["window"]))],
        environment={IN_ENVIRONMENT: found["window"]},
    )
    for name in ("captured", "truth"):
        if found[name]:
            asked["ProcessingInputs"].append(manifest_input(name, found[name]))
    return asked


def document(inputs: Inputs) -> str:
    """URI of drift.json."""
    return windows.place(inputs.run, inputs[WINDOW]["window"], windows.VERDICT)
