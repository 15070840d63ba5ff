"""In which form an endpoint serves, and whether it can become what a spec asks for."""

from __future__ import annotations

from typing import Any

from frugal.aws import clients
from frugal.jobs.endpoint import ENDPOINT
from frugal.jobs.inference_component import INFERENCE_COMPONENT
from frugal.jobs.kind import is_missing
from frugal.serving.names import component_name, endpoint_name, served_by
from frugal.spec import ModelSpec

INSTANCES, SERVERLESS, COMPONENTS, QUEUE, SHARED = (
    "instances",
    "serverless",
    "inference components",
    "an asynchronous queue",
    "multi-model",
)
FORMS = {
    "realtime": INSTANCES,
    "inferentia": INSTANCES,
    "serverless": SERVERLESS,
    "scale-to-zero": COMPONENTS,
    "async": QUEUE,
    "multi-model": SHARED,
}
#: What is asked in the same way before and after, and what AWS changes in place: see docs/guides/serving.md.
IN_PLACE = {(SERVERLESS, INSTANCES)}
SERVES = ("InService", "Updating", "SystemUpdating")
FAILED = "Failed"  # its next deployment begins with its removal


def obstacle(spec: ModelSpec, region: str | None = None) -> str | None:
    """Why the endpoint of the spec's name cannot become what the spec asks for while it serves; None when it can."""
    name = next(iter(served_by(spec)), None)
    sagemaker = clients.client("sagemaker", region)
    found = ENDPOINT.find(sagemaker, name) if name else None
    if found is None or found["EndpointStatus"] == FAILED:
        return None
    was, wanted = _form(sagemaker, found["EndpointConfigName"]), FORMS[spec.deploy.strategy]
    if was in (None, wanted) or (was, wanted) in IN_PLACE:
        return None
    return (
        f"endpoint {name} serves by {was}, and does not become {wanted} in place. Give the new one a name of its own "
        f"(deploy: {{endpoint: {name}-2}}), and the old one goes when nobody asks it any more; or say "
        "deploy: {replace: remove}, and the old one goes before the new one is there"
    )


def serves(spec: ModelSpec, region: str | None = None) -> bool:
    """Whether what the spec asks for is there and serves, be it that its capacity changes just now.

    An endpoint of another form, such as one that a failed deployment left as it was, is not that.
    """
    sagemaker = clients.client("sagemaker", region)
    found = ENDPOINT.find(sagemaker, endpoint_name(spec))
    if found is None or found["EndpointStatus"] not in SERVES:
        return False
    if spec.deploy.strategy == "scale-to-zero":
        component = INFERENCE_COMPONENT.find(sagemaker, component_name(spec))
        return component is not None and component["InferenceComponentStatus"] in SERVES
    return _form(sagemaker, found["EndpointConfigName"]) == FORMS[spec.deploy.strategy]


def _form(sagemaker: Any, config_name: str) -> str | None:
    """The form of an endpoint configuration; None when it is gone."""
    try:
        config = sagemaker.describe_endpoint_config(EndpointConfigName=config_name)
        variant = config["ProductionVariants"][0]
        if "AsyncInferenceConfig" in config:
            return QUEUE
        if "ServerlessConfig" in variant:
            return SERVERLESS
        if "ModelName" not in variant:
            return COMPONENTS
        model = sagemaker.describe_model(ModelName=variant["ModelName"])
    except sagemaker.exceptions.ClientError as error:
        if is_missing(error.response["Error"]):
            return None
        raise
    shared = model.get("PrimaryContainer", {}).get("Mode") == "MultiModel"
    return SHARED if shared else INSTANCES
