"""What a model needs to be served: the container of each backend. Registration and deployment share it."""

from __future__ import annotations

from typing import Any

from frugal.aws.run import Inputs
from frugal.spec import ModelSpec
from frugal.stages.common import framework_image

INFERENCE_SCRIPT = "inference.py"
ONNX_SCRIPT = "container/onnx_inference.py"


def container(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """Image, ModelDataUrl and Environment of the model as it was compiled (or not)."""
    compiled = inputs.results.get("compile")
    if spec.compile.backend == "neo" and compiled:
        return {"Image": compiled["image"], "ModelDataUrl": compiled["artifact"]}
    if spec.compile.backend == "onnx" and compiled:
        artifact, script = inputs.run.own("compiled", "model.tar.gz"), ONNX_SCRIPT
    else:
        artifact, script = inputs["train"]["artifact"], INFERENCE_SCRIPT
    return {
        "Image": framework_image(spec, inputs),
        "ModelDataUrl": artifact,
        "Environment": {
            "SAGEMAKER_PROGRAM": script,
            "SAGEMAKER_SUBMIT_DIRECTORY": inputs.run.source,
            "SAGEMAKER_REGION": inputs.run.region,
            "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        },
    }
