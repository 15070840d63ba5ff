"""How much SageMaker has of what is scaled, and more or less of it.

SageMaker is asked and told by the operations that Application Auto Scaling calls on AWS. `names` are
those in a resource's id. What reads raises `ValidationException` for what SageMaker does not have;
what checks, for what cannot be scaled, or not down to `least`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from local_aws.errors import unknown_operation, validation
from local_aws.sagemaker.registry import HANDLERS, Call, Params

# Instances that already give more when more is asked of them (developer guide, "Automatic scaling";
# the wording of the refusal is not verified).
BURSTABLE = re.compile(r"ml\.t\d")


@dataclass(frozen=True)
class Capacity:
    """How much of a resource there is and is to be, and whether its service takes a change now."""

    current: int
    desired: int
    active: bool


def ask(call: Call, operation: str, params: Params) -> Params:
    """Do an operation of SageMaker in this process."""
    handler = HANDLERS.get(operation)
    if handler is None:
        raise unknown_operation("sagemaker", operation)
    return handler(call, params)


def _endpoint(call: Call, names: dict[str, str]) -> tuple[Params, Params]:
    """(endpoint, variant) as DescribeEndpoint tells them."""
    endpoint = ask(call, "DescribeEndpoint", {"EndpointName": names["endpoint"]})
    for variant in endpoint.get("ProductionVariants", []):
        if variant["VariantName"] == names["variant"]:
            return endpoint, variant
    raise validation(f"Endpoint {names['endpoint']} has no production variant {names['variant']}")


def _definition(call: Call, names: dict[str, str]) -> tuple[Params, Params]:
    """(endpoint configuration, variant) as they were created."""
    endpoint, _ = _endpoint(call, names)
    asked = {"EndpointConfigName": endpoint["EndpointConfigName"]}
    config = ask(call, "DescribeEndpointConfig", asked)
    variants = {v["VariantName"]: v for v in config["ProductionVariants"]}
    return config, variants[names["variant"]]


def read_instances(call: Call, names: dict[str, str]) -> Capacity:
    endpoint, variant = _endpoint(call, names)
    current: int = variant.get("CurrentInstanceCount", 0)
    desired: int = variant.get("DesiredInstanceCount", 0)
    return Capacity(current, desired, endpoint["EndpointStatus"] == "InService")


def write_instances(call: Call, names: dict[str, str], count: int) -> None:
    _update(call, names, {"DesiredInstanceCount": count})


def _update(call: Call, names: dict[str, str], change: Params) -> None:
    capacities = [{"VariantName": names["variant"], **change}]
    params = {"EndpointName": names["endpoint"], "DesiredWeightsAndCapacities": capacities}
    ask(call, "UpdateEndpointWeightsAndCapacities", params)


def check_instances(call: Call, names: dict[str, str], least: int) -> None:
    config, variant = _definition(call, names)
    if "ServerlessConfig" in variant:
        raise validation(
            f"Variant {names['variant']} is serverless: SageMaker scales it by itself, and its "
            "provisioned concurrency is sagemaker:variant:DesiredProvisionedConcurrency"
        )
    if BURSTABLE.match(variant.get("InstanceType", "")):
        raise validation(
            f"Automatic scaling does not support burstable instances such as "
            f"{variant['InstanceType']}, of variant {names['variant']}"
        )
    if least < 1 and "AsyncInferenceConfig" not in config:
        raise validation(
            f"The minimum capacity of {names['variant']} must be at least 1: only asynchronous "
            "endpoints and inference components scale to 0"
        )


def read_concurrency(call: Call, names: dict[str, str]) -> Capacity:
    endpoint, variant = _endpoint(call, names)
    current: int = variant.get("CurrentServerlessConfig", {}).get("ProvisionedConcurrency", 0)
    desired: int = variant.get("DesiredServerlessConfig", {}).get("ProvisionedConcurrency", 0)
    return Capacity(current, desired, endpoint["EndpointStatus"] == "InService")


def write_concurrency(call: Call, names: dict[str, str], count: int) -> None:
    _update(call, names, {"ServerlessUpdateConfig": {"ProvisionedConcurrency": count}})


def check_concurrency(call: Call, names: dict[str, str], least: int) -> None:
    _, variant = _definition(call, names)
    if "ProvisionedConcurrency" not in variant.get("ServerlessConfig", {}):
        raise validation(
            f"Variant {names['variant']} has no provisioned concurrency to scale: deploy it with "
            "ServerlessConfig.ProvisionedConcurrency first"
        )


def _component(call: Call, names: dict[str, str]) -> Params:
    name = names["component"]
    return ask(call, "DescribeInferenceComponent", {"InferenceComponentName": name})


def read_copies(call: Call, names: dict[str, str]) -> Capacity:
    component = _component(call, names)
    runtime = component.get("RuntimeConfig", {})
    current: int = runtime.get("CurrentCopyCount", 0)
    desired: int = runtime.get("DesiredCopyCount", 0)
    return Capacity(current, desired, component["InferenceComponentStatus"] == "InService")


def write_copies(call: Call, names: dict[str, str], count: int) -> None:
    params = {
        "InferenceComponentName": names["component"],
        "DesiredRuntimeConfig": {"CopyCount": count},
    }
    ask(call, "UpdateInferenceComponentRuntimeConfig", params)


def check_copies(call: Call, names: dict[str, str], least: int) -> None:
    _component(call, names)
