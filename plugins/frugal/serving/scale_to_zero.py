"""Inference components: copies of the model on instances that AWS adds and removes, down to none of either.

Requests fail while there is no copy; they wake the endpoint (docs: endpoint-auto-scaling-zero-instances).
"""

from __future__ import annotations

from typing import Any

from frugal.aws.run import Inputs
from frugal.serving import parts, rollout
from frugal.serving.container import CHOSEN, container
from frugal.serving.names import VARIANT, component_name, endpoint_name
from frugal.spec import ModelSpec
from frugal.spec.deploy import MEMORY_MB

CPUS_A_COPY = 1.0


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """Configuration and endpoint without a model: they change only when their instances do."""
    deploy = spec.deploy
    size, _ = parts.on_instances(spec, inputs)
    most = deploy.scaling.max if deploy.scaling else 1
    variant = {
        "VariantName": VARIANT,
        **size,
        "ManagedInstanceScaling": {
            "Status": "ENABLED",
            "MinInstanceCount": min(deploy.least, most),
            "MaxInstanceCount": most,
        },
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    network = parts.network(spec)
    role = {"ExecutionRoleArn": inputs.run.role("serve")}
    return parts.endpoint(spec, inputs, [], [variant], **role, **network)


def component_request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateInferenceComponent with one copy, or UpdateInferenceComponent by its container."""
    chosen = inputs.results.get(CHOSEN)
    served = chosen["container"] if chosen else container(spec, inputs)
    specification = {
        "Container": {
            "Image": served["Image"],
            "ArtifactUrl": served["ModelDataUrl"],
            **({"Environment": served["Environment"]} if "Environment" in served else {}),
        },
        "ComputeResourceRequirements": {
            "NumberOfCpuCoresRequired": CPUS_A_COPY,
            "MinMemoryRequiredInMb": spec.deploy.memory_mb or MEMORY_MB,
        },
    }
    return {
        "InferenceComponentName": component_name(spec),
        "EndpointName": endpoint_name(spec),
        "VariantName": VARIANT,
        "Specification": specification,
        "RuntimeConfig": {"CopyCount": max(spec.deploy.least, 1)},
        "Tags": inputs.run.stage_tags("deploy"),
        **rollout.guarded_component(spec, inputs),
    }
