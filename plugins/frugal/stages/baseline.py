"""What drift will be measured against: statistics and constraints of the training split."""

from __future__ import annotations

from functools import partial
from typing import Any

from frugal.aws.run import Inputs
from frugal.spec import ModelSpec
from frugal.stages.common import Stage, data_image, processing_output, processing_request


def stage(spec: ModelSpec) -> Stage:
    """A Processing job beside the training."""
    return Stage(
        name="baseline",
        base_name=f"{spec.name}-baseline",
        requests=[partial(request, spec)],
        upstream=["prepare"],
    )


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob: the training split in, Model Monitor's two files out."""
    run = inputs.run
    return processing_request(
        inputs,
        stage="baseline",
        module="baseline",
        image=data_image(spec, inputs),
        role="train",
        instance=spec.monitor.instance,
        max_run=spec.monitor.max_run,
        sources={"train": run.dataset("train")},
        outputs=[processing_output("baseline", run.own("baseline"))],
    )
