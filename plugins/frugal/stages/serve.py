"""What a model needs to be served: the container of each backend. Registration and deployment share it."""

from __future__ import annotations

from typing import Any

from frugal.aws.run import Inputs
from frugal.spec import ModelSpec
from frugal.stages.common import framework_image

SCRIPT = "inference.py"
IN_THE_ARCHIVE = "/opt/ml/model/code"


def container(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """Image, ModelDataUrl and Environment of the model as it was compiled (or not).

    Neo's image serves its artefact by itself; the ONNX archive brings handlers and requirements along.
    """
    compiled = inputs.results.get("compile")
    if spec.compile.backend == "neo" and compiled:
        return {"Image": compiled["image"], "ModelDataUrl": compiled["artifact"]}
    if spec.compile.backend == "onnx" and compiled:
        model_data, source = inputs.run.own("compiled", "model.tar.gz"), IN_THE_ARCHIVE
    else:
        model_data, source = inputs["train"]["artifact"], inputs.run.source
    return {
        "Image": framework_image(spec, inputs),
        "ModelDataUrl": model_data,
        "Environment": {
            "SAGEMAKER_PROGRAM": SCRIPT,
            "SAGEMAKER_SUBMIT_DIRECTORY": source,
            "SAGEMAKER_REGION": inputs.run.region,
            "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        },
    }
