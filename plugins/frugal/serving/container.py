"""What a model needs to be served: the container of each backend. Registration and deployment share it."""

from __future__ import annotations

from typing import Any

from frugal.aws.images import image_uri
from frugal.aws.run import Inputs
from frugal.serving import captured
from frugal.spec import ModelSpec

SCRIPT = "inference.py"
#: The task that leaves {"package": ARN} where a package is deployed, not what a run trained.
CHOSEN = "choose_package"
IN_THE_ARCHIVE = "/opt/ml/model/code"


def container(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """Image, ModelDataUrl and Environment of the model as it was compiled (or not).

    Neo's image serves its artefact by itself; the ONNX archive brings handlers and requirements along. A package of the
    registry that is chosen (`CHOSEN`) holds all of that.
    """
    if chosen := inputs.results.get(CHOSEN):
        return {"ModelPackageName": chosen["package"]}
    compiled = inputs.results.get("compile")
    if spec.compile.backend == "neo" and compiled:
        return {"Image": compiled["image"], "ModelDataUrl": compiled["artifact"]}
    if spec.compile.backend == "onnx" and compiled:
        return scripted(
            spec, inputs, inputs.run.own("compiled", "model.tar.gz"), source=IN_THE_ARCHIVE
        )
    return native(spec, inputs)


def native(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """The container of the model as it was trained: it runs on every instance type."""
    return scripted(spec, inputs, inputs["train"]["artifact"], source=inputs.run.source)


def scripted(spec: ModelSpec, inputs: Inputs, model_data: str, *, source: str) -> dict[str, Any]:
    """The framework's container with inference.py of the code at `source`, on the model at `model_data`."""
    return {
        "Image": image_uri(spec.train.framework, spec.train.version, inputs.run.region),
        "ModelDataUrl": model_data,
        "Environment": {
            "SAGEMAKER_PROGRAM": SCRIPT,
            "SAGEMAKER_SUBMIT_DIRECTORY": source,
            "SAGEMAKER_REGION": inputs.run.region,
            "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
            **captured.environment(spec, inputs.run),
        },
    }
