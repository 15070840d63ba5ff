"""What a model needs to be served: the container of each backend. Registration and deployment share it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frugal.aws.images import image_uri
from frugal.aws.run import Inputs
from frugal.serving import captured
from frugal.spec import ModelSpec
from frugal.spec.train import VERSIONS

SCRIPT = "inference.py"
#: The task that leaves {"package": ARN} where a package is deployed, not what a run trained.
CHOSEN = "choose_package"
IN_THE_ARCHIVE = "/opt/ml/model/code"
#: AWS's last image that serves PyTorch; it reads the weights of newer ones. It takes code from the archive alone.
PYTORCH = ("pytorch-inference", "2.6")
#: AWS's image of Neuron for Inf2 and Trainium: what compiles in it is served in it.
NEURONX = ("pytorch-inference-neuronx", "2.8")


def container(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """Image, ModelDataUrl and Environment of the model as it was compiled (or not).

    Neo's image serves its artefact by itself; the ONNX archive brings handlers and requirements along, for XGBoost's
    image, whatever trained the model. A package of the registry that is chosen (`CHOSEN`) holds all of that.
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
    if spec.compile.backend == "neuron" and compiled:
        return _on_inferentia(spec, inputs, compiled)
    return native(spec, inputs)


def _on_inferentia(spec: ModelSpec, inputs: Inputs, compiled: Mapping[str, Any]) -> dict[str, Any]:
    """Inf1 in the image that Neo names, Inf2 in AWS's image of Neuron; both archives bring their handlers along."""
    if not str(spec.deploy.host).startswith("ml.inf1."):
        return scripted(spec, inputs, compiled["artifact"], source=IN_THE_ARCHIVE, image=NEURONX)
    packed = inputs.run.own("compiled", "package", "model.tar.gz")
    found = scripted(spec, inputs, packed, source=IN_THE_ARCHIVE, image=PYTORCH)
    return {**found, "Image": compiled["image"]}


def native(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """The container of the model as it was trained: it runs on every instance type."""
    artifact = inputs["train"]["artifact"]
    if spec.train.framework == "pytorch":
        return scripted(spec, inputs, artifact, source=IN_THE_ARCHIVE, image=PYTORCH)
    return scripted(spec, inputs, artifact, source=inputs.run.source)


def scripted(
    spec: ModelSpec,
    inputs: Inputs,
    model_data: str,
    *,
    source: str,
    image: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """An image's container with inference.py of the code at `source`, on the model at `model_data`.

    `image` is a framework and version of include/images.yaml; None: XGBoost's, of the model's version if it has one.
    """
    version = spec.train.version if spec.train.framework == "xgboost" else VERSIONS["xgboost"][0]
    framework, version = image or ("xgboost", version)
    return {
        "Image": image_uri(framework, version, inputs.run.region),
        "ModelDataUrl": model_data,
        "Environment": {
            "SAGEMAKER_PROGRAM": SCRIPT,
            "SAGEMAKER_SUBMIT_DIRECTORY": source,
            "SAGEMAKER_REGION": inputs.run.region,
            "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
            **captured.environment(spec, inputs.run),
        },
    }
