"""What watches endpoints: alarms, scalable targets, policies."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.contract.cleanup.seeded.capacity import in_service
from tests.contract.cleanup.seeded.seed import Ground, Seed, SeededKind, listed
from tests.contract.cleanup.seeded.stories import COMMON, Story, special
from tests.contract.waiting import await_true

#: An endpoint that is always there, for what needs one.
ANCHOR = "anchor"


def scale(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """A target with a policy, whose alarms AWS makes; all of it goes with the endpoint."""
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{name}/variant/all",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    await_true(partial(in_service, ground, name), f"{name} to be in service")
    scaling = ground.aws("application-autoscaling")
    scaling.register_scalable_target(
        **target, MinCapacity=1, MaxCapacity=2, Tags=ground.mapping(story)
    )
    made = scaling.put_scaling_policy(
        **target,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 100,
            "PredefinedMetricSpecification": metric,
        },
    )
    yield Seed("scalable-target", target["ResourceId"], story.name, story.acted)
    yield Seed("scaling-policy", made["PolicyARN"], story.name, story.acted)
    for alarm in made["Alarms"]:
        yield Seed("alarm", alarm["AlarmName"], story.name, story.acted)


def make_alarm(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """On an endpoint that is gone, or on one that is there."""
    endpoint = ANCHOR if "guards" in story.how else f"{name}-gone"
    dimensions = {"EndpointName": endpoint, "VariantName": "all"}
    ground.aws("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1e6,
        ComparisonOperator="GreaterThanThreshold",
        Tags=ground.tags(story),
    )
    yield Seed("alarm", name, story.name, story.acted)


def nothing(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """Of a kind that comes with others."""
    yield from ()


KINDS = (
    SeededKind(
        "alarm",
        make_alarm,
        listed("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        stories=(*COMMON, special("guards", "guards")),
    ),
    SeededKind(
        "scalable-target",
        nothing,
        listed(
            "application-autoscaling",
            "describe_scalable_targets",
            "ScalableTargets",
            "ResourceId",
            ServiceNamespace="sagemaker",
        ),
        stories=(),
    ),
    SeededKind(
        "scaling-policy",
        nothing,
        listed(
            "application-autoscaling",
            "describe_scaling_policies",
            "ScalingPolicies",
            "PolicyARN",
            ServiceNamespace="sagemaker",
        ),
        stories=(),
    ),
)
