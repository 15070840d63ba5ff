"""What AWS refuses to combine in an endpoint, as data.

After the developer guide's feature matrix (`model-deploy-feature-matrix`), the pages on multi-model,
serverless and asynchronous endpoints, and the deployment guardrails' exclusions. The messages are
ours where AWS's wording is not published.
"""

from __future__ import annotations

import re

from local_aws.errors import limit_exceeded, validation
from local_aws.execution.fleet import ENDPOINT
from local_aws.sagemaker import models
from local_aws.sagemaker.registry import Call, Params
from local_aws.store import Record

# Sets of forms (see `forms_of`) that do not go together, and why.
REFUSED: tuple[tuple[set[str], str], ...] = (
    ({"serverless", "capture"}, "Data capture is not supported for serverless endpoints"),
    ({"serverless", "vpc"}, "Serverless endpoints support neither VPC nor network isolation"),
    ({"serverless", "variants"}, "A serverless endpoint has exactly one production variant"),
    (
        {"serverless", "multi-model"},
        "Multi-model containers cannot be served by serverless endpoints",
    ),
    ({"serverless", "async"}, "AsyncInferenceConfig cannot be specified with ServerlessConfig"),
    ({"serverless", "shadow"}, "Shadow variants are not supported for serverless endpoints"),
    ({"serverless", "component"}, "A serverless variant needs a ModelName"),
    ({"multi-model", "capture"}, "Data capture is not supported for multi-model endpoints"),
    ({"multi-model", "async"}, "Multi-model endpoints do not support asynchronous inference"),
    ({"multi-model", "shadow"}, "Shadow variants are not supported for multi-model endpoints"),
    ({"multi-model", "variants"}, "A multi-model endpoint has exactly one production variant"),
    (
        {"multi-model", "inferentia"},
        "Multi-model endpoints are served by CPU and single-GPU instance types, not by Inferentia",
    ),
    (
        {"multi-model", "gpu"},
        "Multi-model endpoints on GPU need NVIDIA Triton's container and a single-GPU instance type",
    ),
    (
        {"misplaced neuron"},
        "The image is compiled for another generation of Inferentia: neuron images run on Inf1, neuronx "
        "images on Inf2 and Trn1",
    ),
    ({"async", "capture"}, "Data capture is not supported for asynchronous endpoints"),
    ({"async", "inf1"}, "Inf1 instances do not support asynchronous inference"),
    ({"async", "variants"}, "An asynchronous endpoint has exactly one production variant"),
    ({"async", "shadow"}, "Shadow variants are not supported for asynchronous endpoints"),
    ({"async", "component"}, "An asynchronous variant needs a ModelName"),
    ({"component", "shadow"}, "Shadow variants need a ModelName"),
    ({"component", "model"}, "Either every production variant has a ModelName or none has"),
    ({"shadow", "inf1"}, "Shadow variants are not supported on Inf1 instances"),
    ({"shadow", "variants"}, "Shadow variants need exactly one production variant"),
    (
        {"scale-to-zero", "model"},
        "ManagedInstanceScaling with a MinInstanceCount of 0 needs a variant without ModelName, whose "
        "inference components scale to zero copies",
    ),
)

_NEURON = re.compile(r"-neuronx?(?![a-z])")
NO_OUTPUT = {"S3OutputPath": ""}
SINGLE_GPU_SIZES = {"xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge"}


def check_config(call: Call, params: Params) -> None:
    """Raise `ValidationException` for a CreateEndpointConfig that AWS refuses."""
    variants, shadows = params["ProductionVariants"], params.get("ShadowProductionVariants", [])
    names = [variant["VariantName"] for variant in [*variants, *shadows]]
    if len(names) != len(set(names)):
        raise validation(f"Variant names must be unique, and {', '.join(names)} are not")
    if len(shadows) > 1:
        raise validation("At most one shadow variant can be specified")
    if params.get("ExplainerConfig"):
        raise validation("The local AWS does not serve explainers yet")
    for variant in [*variants, *shadows]:
        _check_variant(variant)
    if "S3OutputPath" not in params.get("AsyncInferenceConfig", {}).get("OutputConfig", NO_OUTPUT):
        raise validation("AsyncInferenceConfig needs an S3OutputPath")
    forms = forms_of(call, params)
    for together, why in REFUSED:
        if together <= forms:
            raise validation(why)
    if "component" in forms and "ExecutionRoleArn" not in params:
        raise validation(
            "ExecutionRoleArn is required for endpoints that host inference components"
        )


def _check_variant(variant: Params) -> None:
    name = variant["VariantName"]
    if "AcceleratorType" in variant:
        raise validation("Elastic Inference accelerators are no longer supported")
    strategy = variant.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM")
    if strategy not in ("RANDOM", "LEAST_OUTSTANDING_REQUESTS"):
        raise validation(f"The local AWS does not route by {strategy} yet")
    if "ServerlessConfig" in variant:
        _check_serverless(variant)
        return
    if ("InstanceType" in variant) == ("InstancePools" in variant):
        raise validation(f"Variant {name} needs exactly one of InstanceType and InstancePools")
    pools = variant.get("InstancePools", [])
    priorities = [pool["Priority"] for pool in pools]
    if len(priorities) != len(set(priorities)):
        raise validation(f"The instance pools of variant {name} need a Priority each of their own")
    if "VariantInstanceProvisionTimeoutInSeconds" in variant and not pools:
        raise validation("VariantInstanceProvisionTimeoutInSeconds needs InstancePools")
    if "InitialInstanceCount" not in variant:
        raise validation(f"Variant {name} needs InitialInstanceCount")
    managed = variant.get("ManagedInstanceScaling", {})
    least, most = managed.get("MinInstanceCount", 1), managed.get("MaxInstanceCount")
    if most is not None and least > most:
        raise validation("MinInstanceCount must not be above MaxInstanceCount")


def _check_serverless(variant: Params) -> None:
    for member in ("InstanceType", "InitialInstanceCount", "InstancePools"):
        if member in variant:
            raise validation(f"{member} cannot be specified with ServerlessConfig")
    check_concurrency(variant["ServerlessConfig"])


def check_concurrency(serverless: Params) -> None:
    if serverless["MemorySizeInMB"] % 1024:
        raise validation("MemorySizeInMB must be a multiple of 1024")
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise validation("ProvisionedConcurrency must not be above MaxConcurrency")


def forms_of(call: Call, config: Params) -> set[str]:
    """What an endpoint configuration is: the words of `REFUSED`. Raises for a model that is not there."""
    variants = config["ProductionVariants"]
    capture = config.get("DataCaptureConfig")
    found: dict[str, bool] = {
        "variants": len(variants) > 1,
        "shadow": bool(config.get("ShadowProductionVariants")),
        "async": "AsyncInferenceConfig" in config,
        "capture": bool(capture and capture.get("EnableCapture", True)),
        "vpc": "VpcConfig" in config or config.get("EnableNetworkIsolation", False),
    }
    forms = {form for form, holds in found.items() if holds}
    for variant in [*variants, *config.get("ShadowProductionVariants", [])]:
        forms |= _forms_of_variant(call, variant)
    return forms


def _forms_of_variant(call: Call, variant: Params) -> set[str]:
    types = [pool["InstanceType"] for pool in variant.get("InstancePools", [])]
    types += [variant["InstanceType"]] if "InstanceType" in variant else []
    names = [
        pool["ModelNameOverride"] for pool in variant.get("InstancePools", []) if len(pool) > 2
    ]
    names += [variant["ModelName"]] if variant.get("ModelName") else []
    found = [models.find(call, name) for name in names]
    containers = [model["PrimaryContainer"] for model in found]
    triton = all("tritonserver" in container["Image"] for container in containers)
    forms = {
        "serverless": "ServerlessConfig" in variant,
        "component": not names,
        "model": bool(names),
        "multi-model": any(container["Mode"] == "MultiModel" for container in containers),
        "vpc": any("VpcConfig" in m or m.get("EnableNetworkIsolation") for m in found)
        and "ServerlessConfig" in variant,
        "misplaced neuron": any(
            not _suits(container["Image"], kind) for container in containers for kind in types
        ),
        "inf1": any(family_of(kind) == "inf1" for kind in types),
        "inferentia": any(family_of(kind)[:3] in ("inf", "trn") for kind in types),
        "gpu": any(_is_gpu(kind) and not (triton and _is_single_gpu(kind)) for kind in types),
        "scale-to-zero": variant.get("ManagedInstanceScaling", {}).get("MinInstanceCount") == 0,
    }
    return {form for form, holds in forms.items() if holds}


def _suits(image: str, instance_type: str) -> bool:
    """Whether an image's Neuron generation, if it has one, is that of the instance type. AWS notices
    only when the container does not start; refused here, where it cannot start."""
    generation = _NEURON.search(image)
    if generation is None:
        return True
    family = family_of(instance_type)
    return family == "inf1" if generation[0] == "-neuron" else family.startswith(("inf2", "trn"))


def family_of(instance_type: str) -> str:
    """`inf1` of `ml.inf1.xlarge`."""
    return instance_type.split(".")[1]


def _is_gpu(instance_type: str) -> bool:
    return family_of(instance_type)[0] in "pg"


def _is_single_gpu(instance_type: str) -> bool:
    family, size = instance_type.split(".")[1:]
    if family.startswith("p"):
        return (family, size) in (("p2", "xlarge"), ("p3", "2xlarge"))
    return size in SINGLE_GPU_SIZES


def check_quota(call: Call, wanted: int) -> None:
    """Raise `ResourceLimitExceeded` when instances are wanted beyond those that this machine gives."""
    limit = call.app.config.simulation.endpoint_instances
    used = sum(
        variant["DesiredInstanceCount"]
        for record in call.app.store.all(ENDPOINT, call.region)
        for variant in record.get("ProductionVariants", [])
    )
    if used + wanted > limit:
        raise limit_exceeded(
            f"The account-level service limit 'Total number of instances for endpoint usage' is "
            f"{limit} Instances, with current utilization of {used} Instances and a request delta of "
            f"{wanted} Instances. Please use AWS Service Quotas to request an increase for this quota."
        )


def instances_in(config: Record) -> int:
    """The instances that a configuration starts with."""
    every = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]
    return sum(variant.get("InitialInstanceCount", 0) for variant in every)
