"""What can be scaled: SageMaker's three dimensions, how much there is of each, and how to change it.

SageMaker itself is asked and told, through the operations that Application Auto Scaling calls on AWS.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from local_aws.errors import AwsError, unknown_operation, validation
from local_aws.sagemaker.registry import HANDLERS, Call, Params

# Instances that already give more when more is asked of them (developer guide, "Automatic scaling";
# the wording of the refusal is not verified).
BURSTABLE = re.compile(r"ml\.t\d")

_VARIANT = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)")
_COMPONENT = re.compile(r"inference-component/(?P<component>[^/]+)")


@dataclass(frozen=True)
class Capacity:
    """How much of a resource there is and is to be, and whether its service takes a change now."""

    current: int
    desired: int
    active: bool


@dataclass(frozen=True)
class Metric:
    """A predefined metric as CloudWatch knows it; `period` in seconds is 10 for high resolution."""

    name: str
    statistic: str
    period: int = 60


@dataclass(frozen=True)
class Dimension:
    """A scalable dimension: its resources' ids, its predefined metrics, and SageMaker's operations.

    `read` raises `ValidationException` for a resource that SageMaker does not have; `check` raises
    it for one that cannot be scaled from a minimum. `noun` is what is counted, in activities.
    """

    name: str
    noun: str
    resource: re.Pattern[str]
    metrics: dict[str, Metric]
    read: Callable[[Call, dict[str, str]], Capacity]
    write: Callable[[Call, dict[str, str], int], None]
    check: Callable[[Call, dict[str, str], int], None]

    def parse(self, resource_id: str) -> dict[str, str]:
        """The names in a resource's id."""
        found = self.resource.fullmatch(resource_id)
        if found is None:
            raise validation(
                "Unsupported service namespace, resource type or scalable dimension: "
                f"{self.name} is one of {self.resource.pattern}, not of {resource_id}"
            )
        return found.groupdict()

    def metric_dimensions(self, resource_id: str) -> list[dict[str, str]]:
        """CloudWatch's dimensions of the predefined metrics of a resource."""
        names = {
            "endpoint": "EndpointName",
            "variant": "VariantName",
            "component": "InferenceComponentName",
        }
        parsed = self.parse(resource_id)
        return [{"Name": names[key], "Value": value} for key, value in parsed.items()]


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


def _read_instances(call: Call, names: dict[str, str]) -> Capacity:
    endpoint, variant = _endpoint(call, names)
    current: int = variant.get("CurrentInstanceCount", 0)
    desired: int = variant.get("DesiredInstanceCount", 0)
    return Capacity(current, desired, endpoint["EndpointStatus"] == "InService")


def _write_instances(call: Call, names: dict[str, str], count: int) -> None:
    _update(call, names, {"DesiredInstanceCount": count})


def _update(call: Call, names: dict[str, str], change: Params) -> None:
    capacities = [{"VariantName": names["variant"], **change}]
    params = {"EndpointName": names["endpoint"], "DesiredWeightsAndCapacities": capacities}
    ask(call, "UpdateEndpointWeightsAndCapacities", params)


def _check_instances(call: Call, names: dict[str, str], least: int) -> None:
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


def _read_concurrency(call: Call, names: dict[str, str]) -> Capacity:
    endpoint, variant = _endpoint(call, names)
    current: int = variant.get("CurrentServerlessConfig", {}).get("ProvisionedConcurrency", 0)
    desired: int = variant.get("DesiredServerlessConfig", {}).get("ProvisionedConcurrency", 0)
    return Capacity(current, desired, endpoint["EndpointStatus"] == "InService")


def _write_concurrency(call: Call, names: dict[str, str], count: int) -> None:
    _, variant = _definition(call, names)
    most = variant["ServerlessConfig"]["MaxConcurrency"]
    config = {"MaxConcurrency": most, "ProvisionedConcurrency": count}
    _update(call, names, {"ServerlessUpdateConfig": config})


def _check_concurrency(call: Call, names: dict[str, str], least: int) -> None:
    _, variant = _definition(call, names)
    if "ProvisionedConcurrency" not in variant.get("ServerlessConfig", {}):
        raise validation(
            f"Variant {names['variant']} has no provisioned concurrency to scale: deploy it with "
            "ServerlessConfig.ProvisionedConcurrency first"
        )


def _component(call: Call, names: dict[str, str]) -> Params:
    name = names["component"]
    return ask(call, "DescribeInferenceComponent", {"InferenceComponentName": name})


def _read_copies(call: Call, names: dict[str, str]) -> Capacity:
    component = _component(call, names)
    runtime = component.get("RuntimeConfig", {})
    current: int = runtime.get("CurrentCopyCount", 0)
    desired: int = runtime.get("DesiredCopyCount", 0)
    return Capacity(current, desired, component["InferenceComponentStatus"] == "InService")


def _write_copies(call: Call, names: dict[str, str], count: int) -> None:
    params = {
        "InferenceComponentName": names["component"],
        "DesiredRuntimeConfig": {"CopyCount": count},
    }
    ask(call, "UpdateInferenceComponentRuntimeConfig", params)


def _check_copies(call: Call, names: dict[str, str], least: int) -> None:
    _component(call, names)


# Statistics of the last two are not verified against the alarms that AWS creates.
DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension(
            "sagemaker:variant:DesiredInstanceCount",
            "instance count",
            _VARIANT,
            {
                "SageMakerVariantInvocationsPerInstance": Metric("InvocationsPerInstance", "Sum"),
                "SageMakerVariantConcurrentRequestsPerModelHighResolution": Metric(
                    "ConcurrentRequestsPerModel", "Maximum", 10
                ),
            },
            _read_instances,
            _write_instances,
            _check_instances,
        ),
        Dimension(
            "sagemaker:variant:DesiredProvisionedConcurrency",
            "provisioned concurrency",
            _VARIANT,
            {
                "SageMakerVariantProvisionedConcurrencyUtilization": Metric(
                    "ServerlessProvisionedConcurrencyUtilization", "Maximum"
                )
            },
            _read_concurrency,
            _write_concurrency,
            _check_concurrency,
        ),
        Dimension(
            "sagemaker:inference-component:DesiredCopyCount",
            "copy count",
            _COMPONENT,
            {
                "SageMakerInferenceComponentInvocationsPerCopy": Metric(
                    "InvocationsPerCopy", "Sum"
                ),
                "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution": Metric(
                    "ConcurrentRequestsPerCopy", "Maximum", 10
                ),
            },
            _read_copies,
            _write_copies,
            _check_copies,
        ),
    )
}


def dimension_of(params: Params) -> Dimension:
    """The dimension that a request names, with a resource of its kind.

    Raises `ValidationException` for those of other services, which the local AWS does not have.
    """
    dimension = DIMENSIONS.get(params["ScalableDimension"])
    if params["ServiceNamespace"] != "sagemaker" or dimension is None:
        raise AwsError(
            "ValidationException",
            "Unsupported service namespace, resource type or scalable dimension: "
            f"{params['ServiceNamespace']}, {params['ScalableDimension']}. "
            f"The local AWS scales sagemaker's {', '.join(DIMENSIONS)}",
        )
    dimension.parse(params["ResourceId"])
    return dimension
