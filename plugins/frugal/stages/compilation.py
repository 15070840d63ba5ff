"""Compilation, each backend behind the same two requests: compile, and check what came out."""

from __future__ import annotations

from functools import partial
from typing import Any

from frugal.aws.run import Inputs
from frugal.spec import ModelSpec
from frugal.stages import neuron
from frugal.stages.common import (
    Stage,
    framework_image,
    processing_output,
    processing_request,
    seconds,
)
from frugal.stages.evaluate import lost

UPSTREAM = ("prepare", "train", "evaluate")


def stages(spec: ModelSpec) -> list[Stage]:
    """The backend's stages: Neo compiles and is then checked, ONNX does both in one job, none has none."""
    if spec.compile.backend == "none":
        return []
    if spec.compile.backend == "neuron":
        return neuron.stages(spec)
    compile_name, check_name = f"{spec.name}-compile", f"{spec.name}-check-compiled"
    if spec.compile.backend == "onnx":
        build, document = partial(onnx_request, spec), onnx_document
        return [Stage("compile", compile_name, [build], UPSTREAM, skip=lost, document=document)]
    return [
        Stage(
            "compile",
            compile_name,
            [partial(neo_request, spec)],
            UPSTREAM,
            kind="compilation",
            skip=lost,
        ),
        Stage(
            "check_compiled",
            check_name,
            [partial(check_request, spec)],
            (*UPSTREAM, "compile"),
            skip=lost,
            document=check_document,
        ),
    ]


def neo_request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateCompilationJob over the model in the form that Neo reads (container/neo_export.py)."""
    run = inputs.run
    return {
        "RoleArn": run.role("train"),
        "InputConfig": {
            "S3Uri": run.own("evaluation", "portable", "model.tar.gz"),
            "Framework": "XGBOOST",
            "DataInputConfig": f'{{"data":[1,{len(spec.features)}]}}',
        },
        "OutputConfig": {
            "S3OutputLocation": run.own("compiled"),
            "TargetDevice": spec.compile.target,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds(spec.compile.max_run)},
        "Tags": run.stage_tags("compile"),
    }


def check_request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob in the image that Neo named: parity and latency of its artefact.

    That AWS runs this image as a Processing container is not verified.
    """
    compiled = inputs["compile"]
    return processing_request(
        inputs,
        stage="check_compiled",
        module="compile_check",
        image=compiled["image"],
        role="train",
        instance=_host_of(spec),
        max_run=spec.compile.max_run,
        sources={"compiled": compiled["artifact"], "evaluation": inputs.run.own("evaluation")},
        outputs=[processing_output("check", inputs.run.own("compiled", "check"))],
    )


def onnx_request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob: the model becomes ONNX, checked in the same job; quantised on rows of the training split."""
    sources = {"model": inputs["train"]["artifact"], "evaluation": inputs.run.own("evaluation")}
    if spec.compile.int8 == "static":
        sources["train"] = inputs.run.dataset("train")
    return processing_request(
        inputs,
        stage="compile",
        module="compile_onnx",
        image=framework_image(spec, inputs),
        role="train",
        instance=spec.compile.instance,
        max_run=spec.compile.max_run,
        sources=sources,
        outputs=[processing_output("compiled", inputs.run.own("compiled"))],
    )


def check_document(inputs: Inputs) -> str:
    """URI of the Neo check's compile.json."""
    return inputs.run.own("compiled", "check", "compile.json")


def onnx_document(inputs: Inputs) -> str:
    """URI of the ONNX job's compile.json."""
    return inputs.run.own("compiled", "compile.json")


def expected(spec: ModelSpec, inputs: Inputs) -> tuple[str | None, float]:
    """What the live model is held against: the URI of answers (None: the evaluated model's), and how far it may be off.

    Every answer of a quantised model differs from the evaluated one's; its own move where another version of ONNX
    Runtime, or another processor, rounds to the next of 256 values.
    """
    if spec.compile.int8 is None:
        return None, spec.compile.tolerance
    return inputs.run.own("compiled", "predictions.csv"), max(spec.compile.metric_loss, 0.01)


def _host_of(spec: ModelSpec) -> str:
    """The instance that will serve: latency is measured where it matters, where Processing has the type."""
    return spec.deploy.instance or spec.compile.instance
