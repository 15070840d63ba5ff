"""What can be scaled: SageMaker's three dimensions, their resources and their predefined metrics."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from local_aws.autoscaling import capacity
from local_aws.errors import AwsError, validation
from local_aws.sagemaker.registry import Call, Params

_VARIANT = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)")
_COMPONENT = re.compile(r"inference-component/(?P<component>[^/]+)")


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
    read: Callable[[Call, dict[str, str]], capacity.Capacity]
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
            capacity.read_instances,
            capacity.write_instances,
            capacity.check_instances,
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
            capacity.read_concurrency,
            capacity.write_concurrency,
            capacity.check_concurrency,
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
            capacity.read_copies,
            capacity.write_copies,
            capacity.check_copies,
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
