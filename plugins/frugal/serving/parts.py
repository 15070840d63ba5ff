"""What the requests of several strategies share: models, variants, configurations, data capture. All pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from frugal.aws.names import unique
from frugal.aws.publish import to_json
from frugal.aws.run import Inputs
from frugal.serving.captured import by_handler
from frugal.serving.container import native
from frugal.serving.names import VARIANT, endpoint_name
from frugal.spec import ModelSpec
from frugal.spec.deploy import CAPTURE_PERCENT

Request = dict[str, Any]


def model(
    spec: ModelSpec, inputs: Inputs, container: Mapping[str, Any], *, lasting: bool = False
) -> Request:
    """CreateModel, named after its content and, unless it is lasting, the run and the model."""
    content: Request = {
        "ExecutionRoleArn": inputs.run.role("serve"),
        "PrimaryContainer": dict(container),
    }
    content |= network(spec)
    if lasting:
        name = unique(endpoint_name(spec), to_json(content))
    else:
        name = unique(spec.name, inputs.run.id, to_json(content))
    return {"ModelName": name, **content, "Tags": inputs.run.stage_tags("deploy")}


def network(spec: ModelSpec) -> Request:
    """VpcConfig and EnableNetworkIsolation, of a model or of a configuration of inference components."""
    deploy, members = spec.deploy, Request()
    if deploy.vpc:
        members["VpcConfig"] = {
            "Subnets": list(deploy.vpc.subnets),
            "SecurityGroupIds": list(deploy.vpc.security_groups),
        }
    if deploy.isolated:
        members["EnableNetworkIsolation"] = True
    return members


def on_instances(spec: ModelSpec, inputs: Inputs) -> tuple[Request, list[Request]]:
    """The instances of a variant, and the models that its fallback pools need besides.

    A pool outside of the family that Neo compiled for serves the model as it was trained.
    """
    deploy = spec.deploy
    host, count = str(deploy.host), deploy.instances or max(deploy.least, 1)
    if not deploy.fallback:
        return {"InstanceType": host, "InitialInstanceCount": count}, []
    pools: list[Request] = [
        {"InstanceType": instance, "Priority": priority}
        for priority, instance in enumerate((host, *deploy.fallback), start=1)
    ]
    others = [pool for pool in pools if family(pool["InstanceType"]) != family(host)]
    if spec.compile.backend != "neo" or not others:
        return {"InstancePools": pools, "InitialInstanceCount": count}, []
    plain = model(spec, inputs, native(spec, inputs))
    for pool in others:
        pool["ModelNameOverride"] = plain["ModelName"]
    return {"InstancePools": pools, "InitialInstanceCount": count}, [plain]


def family(instance: str) -> str:
    """`ml.c5` of ml.c5.xlarge."""
    return instance.rpartition(".")[0]


def variant(name: str, model_name: str, size: Mapping[str, Any], weight: float = 1.0) -> Request:
    """A ProductionVariant."""
    return {
        "VariantName": name,
        "ModelName": model_name,
        "InitialVariantWeight": weight,
        **size,
    }


def capture(spec: ModelSpec, inputs: Inputs) -> Request:
    """DataCaptureConfig as a member of the configuration; nothing at 0 percent, or where the handlers capture."""
    percent = spec.deploy.capture_percent
    percent = CAPTURE_PERCENT if percent is None else percent
    if not percent or by_handler(spec):
        return {}
    config = {
        "EnableCapture": True,
        "InitialSamplingPercentage": percent,
        "DestinationS3Uri": inputs.run.s3("capture"),
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    return {"DataCaptureConfig": config}


def endpoint(
    spec: ModelSpec,
    inputs: Inputs,
    models: Sequence[Request],
    variants: Sequence[Request],
    **members: Any,
) -> Request:
    """The request of jobs/endpoint.py: models, configuration and endpoint.

    The configuration is named after its content, so that asking for the same again changes nothing.
    """
    name, tags = endpoint_name(spec), inputs.run.stage_tags("deploy")
    content = {"ProductionVariants": list(variants), **members}
    config = unique(name, to_json(content))
    request: Request = {
        "Models": list(models),
        "EndpointConfig": {"EndpointConfigName": config, **content, "Tags": tags},
        "Endpoint": {"EndpointName": name, "EndpointConfigName": config, "Tags": tags},
    }
    if spec.deploy.scaling and spec.deploy.strategy not in ("serverless", "scale-to-zero"):
        request["RetainAllVariantProperties"] = True
        request["ExcludeRetainedVariantProperties"] = [
            {"VariantPropertyType": kind} for kind in ("DesiredWeight", "DataCaptureConfig")
        ]
    return request


def main_variant(spec: ModelSpec, inputs: Inputs, model_name: str) -> tuple[Request, list[Request]]:
    """The one variant of an endpoint on instances, and the models that it needs besides."""
    size, others = on_instances(spec, inputs)
    return variant(VARIANT, model_name, size), others
