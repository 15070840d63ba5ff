"""The gate: the challenger on the test split against the floor, there and on recent rows against the champion."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from frugal.aws import recent
from frugal.aws.run import Inputs
from frugal.jobs.capacity import Rung
from frugal.serving.names import endpoint_name
from frugal.spec import ModelSpec
from frugal.stages.common import (
    Stage,
    framework_image,
    manifest_input,
    processing_output,
    processing_request,
)


def stage(spec: ModelSpec) -> Stage:
    """A Processing job that leaves the verdict."""
    return Stage(
        name="evaluate",
        base_name=f"{spec.name}-evaluate",
        requests=[partial(request, spec)],
        upstream=["prepare", "train"],
        document=document,
        enter=partial(enter, spec),
    )


def enter(spec: ModelSpec, inputs: Inputs, rung: Rung) -> None:
    """List the recent traffic on which challenger and champion meet."""
    if meets_champion(spec, inputs):
        recent.list_recent(spec, inputs.run, endpoint_name(spec), datetime.now(UTC))


def meets_champion(spec: ModelSpec, inputs: Inputs) -> bool:
    """Whether there is somebody to beat."""
    return inputs.run.champion is not None and spec.evaluate.must_beat_champion


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob: test split, recent traffic, challenger and champion in; evaluation.json and more out."""
    run, champion = inputs.run, inputs.run.champion
    sources = {
        "test": run.dataset("test"),
        "model": inputs["train"]["artifact"],
    }
    if champion is not None and meets_champion(spec, inputs):
        sources |= {"champion": champion.model_data, "champion-code": champion.source}
    asked = processing_request(
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
    if "champion" in sources:
        asked["ProcessingInputs"].append(manifest_input("recent", recent.manifest(run)))
    return asked


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
