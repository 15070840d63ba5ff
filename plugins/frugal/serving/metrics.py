"""What each strategy is scaled by."""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """What a strategy is scaled by: Application Auto Scaling's name for it, or CloudWatch's alone."""

    predefined: str | None
    name: str
    statistic: str
    target: float


PER_INSTANCE = Metric(
    "SageMakerVariantInvocationsPerInstance", "InvocationsPerInstance", "Sum", 600.0
)
# Asynchronous endpoints have no Invocations: docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
BACKLOG = Metric(None, "ApproximateBacklogSizePerInstance", "Average", 5.0)
PER_COPY = Metric(
    "SageMakerInferenceComponentInvocationsPerCopy", "InvocationsPerCopy", "Sum", 600.0
)
IN_USE = Metric(
    "SageMakerVariantProvisionedConcurrencyUtilization",
    "ServerlessProvisionedConcurrencyUtilization",
    "Maximum",
    0.7,
)
TRACKED = {
    "realtime": PER_INSTANCE,
    "inferentia": PER_INSTANCE,
    "multi-model": PER_INSTANCE,
    "async": BACKLOG,
    "scale-to-zero": PER_COPY,
    "serverless": IN_USE,
}
# What wakes a strategy from zero, when the tracked metric has no instance to be a share of: metric, statistic and
# period in seconds of AWS's own examples (async-inference-autoscale, endpoint-auto-scaling-zero-instances).
WAKING = {
    "async": ("HasBacklogWithoutCapacity", "Average", 60),
    "scale-to-zero": ("NoCapacityInvocationFailures", "Maximum", 30),
}
