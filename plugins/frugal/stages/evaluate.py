"""The gate: the challenger on the test split, against the floor and the champion on the same rows."""

from __future__ import annotations

from functools import partial
from typing import Any

from frugal.aws.run import Inputs
from frugal.spec import ModelSpec
from frugal.stages.common import Stage, framework_image, processing_output, processing_request


def stage(spec: ModelSpec) -> Stage:
    """A Processing job that leaves the verdict."""
    return Stage(
        name="evaluate",
        base_name=f"{spec.name}-evaluate",
        requests=[partial(request, spec)],
        upstream=["prepare", "train"],
        document=document,
    )


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob: test split, challenger and champion in; evaluation.json and more out."""
    run, champion = inputs.run, inputs.run.champion
    sources = {
        "test": run.dataset("test"),
        "model": inputs["train"]["artifact"],
    }
    if champion is not None and spec.evaluate.must_beat_champion:
        sources |= {"champion": champion.model_data, "champion-code": champion.source}
    return processing_request(
        inputs,
        stage="evaluate",
        module="evaluate",
        image=framework_image(spec, inputs),
        role="train",
        instance=spec.evaluate.instance,
        max_run=spec.evaluate.max_run,
        sources=sources,
        outputs=[processing_output("evaluation", run.own("evaluation"))],
    )


def document(inputs: Inputs) -> str:
    """URI of evaluation.json."""
    return inputs.run.own("evaluation", "evaluation.json")


def verdict(inputs: Inputs) -> dict[str, Any]:
    """evaluation.json of this run: {"won", "reason", "metric", "value", ...}."""
    found: dict[str, Any] = inputs["evaluate"]["document"]
    return found


def lost(inputs: Inputs) -> str | None:
    """Why the challenger goes no further; None when it won."""
    result = verdict(inputs)
    return None if result["won"] else f"the challenger lost: {result['reason']}"
