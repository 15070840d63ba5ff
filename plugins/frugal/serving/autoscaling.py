"""The spec's autoscaling as requests of Application Auto Scaling: out fast, in slowly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frugal.aws import autoscaling
from frugal.aws.autoscaling import Scaling
from frugal.aws.names import digest
from frugal.aws.run import Inputs
from frugal.serving.metrics import TRACKED, WAKING, Metric
from frugal.serving.names import SCALING, VARIANT, alarm_prefix, component_name, endpoint_name
from frugal.spec import ModelSpec
from frugal.spec.deploy import Autoscale

METRICS = "AWS/SageMaker"
ALARM_PERIOD_SECONDS = 60
WAKE_COOLDOWN_SECONDS = 60

Request = dict[str, Any]


def scaling(spec: ModelSpec, inputs: Inputs) -> Scaling | None:
    """What scales the model, or None when nothing does."""
    asked = spec.deploy.scaling
    if asked is None or spec.deploy.strategy not in TRACKED:
        return None
    metric, prefix = TRACKED[spec.deploy.strategy], scaling_prefix(spec)
    policies, alarms = [_tracking(spec, asked, metric)], {}
    if asked.steps:
        policies.append(_burst(asked))
        alarms["burst"] = _alarm(
            f"{prefix}burst",
            metric.name,
            metric.statistic,
            asked.steps[0].above,
            ALARM_PERIOD_SECONDS,
            _dimensions(spec),
            inputs,
        )
    if spec.deploy.least == 0:
        name, statistic, period = WAKING[spec.deploy.strategy]
        policies.append(_step("wake", [(0.0, 1)], WAKE_COOLDOWN_SECONDS))
        alarms["wake"] = _alarm(
            f"{prefix}wake",
            name,
            statistic,
            1.0,
            period,
            _dimensions(spec),
            inputs,
        )
    return Scaling(
        target={
            **resource(spec),
            "MinCapacity": spec.deploy.least,
            "MaxCapacity": asked.max,
            "Tags": {tag["Key"]: tag["Value"] for tag in inputs.run.stage_tags("scale")},
        },
        policies=policies,
        alarms=alarms,
        schedule=_schedule(asked),
    )


def ensure(spec: ModelSpec, inputs: Inputs) -> list[str]:
    """Bring AWS to what the spec says of scaling, be it nothing; returns what scales the model now."""
    region, wanted = inputs.run.region, scaling(spec, inputs)
    if wanted is not None:
        return autoscaling.apply(wanted, scaling_prefix(spec), region)
    autoscaling.release([resource(spec)["ResourceId"]], region)
    autoscaling.delete_alarms(autoscaling.alarm_names(scaling_prefix(spec), region), region)
    return []


def scaling_prefix(spec: ModelSpec) -> str:
    """What the names of the alarms that scale the model start with; those of rollouts are others."""
    return f"{alarm_prefix(endpoint_name(spec))}{SCALING}/"


def resource(spec: ModelSpec) -> Request:
    """ResourceId and ScalableDimension of what scales."""
    if spec.deploy.strategy == "scale-to-zero":
        return {
            "ResourceId": component_resource(component_name(spec)),
            "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
        }
    concurrency = spec.deploy.strategy == "serverless"
    dimension = "DesiredProvisionedConcurrency" if concurrency else "DesiredInstanceCount"
    return {
        "ResourceId": variant_resource(endpoint_name(spec), VARIANT),
        "ScalableDimension": f"sagemaker:variant:{dimension}",
    }


def variant_resource(endpoint: str, variant: str) -> str:
    """ResourceId of an endpoint's variant."""
    return f"endpoint/{endpoint}/variant/{variant}"


def component_resource(component: str) -> str:
    """ResourceId of an inference component."""
    return f"inference-component/{component}"


def _tracking(spec: ModelSpec, asked: Autoscale, metric: Metric) -> Request:
    tracked: Request = {
        "TargetValue": asked.target or metric.target,
        "ScaleOutCooldown": int(asked.out_cooldown.total_seconds()),
        "ScaleInCooldown": int(asked.in_cooldown.total_seconds()),
    }
    if metric.predefined:
        kind = {"PredefinedMetricType": metric.predefined}
        tracked["PredefinedMetricSpecification"] = kind
    else:
        tracked["CustomizedMetricSpecification"] = {
            "MetricName": metric.name,
            "Namespace": METRICS,
            "Dimensions": _listed(_dimensions(spec)),
            "Statistic": metric.statistic,
        }
    return {
        "PolicyName": "track",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracked,
    }


def _burst(asked: Autoscale) -> Request:
    first = asked.steps[0].above
    steps = [(step.above - first, step.add) for step in asked.steps]
    return _step("burst", steps, int(asked.out_cooldown.total_seconds()))


def _step(name: str, steps: list[tuple[float, int]], cooldown: int) -> Request:
    """A step policy; `steps` are (how far above the alarm's threshold, how much capacity to add)."""
    bounds = [*(bound for bound, _ in steps[1:]), None]
    adjustments = []
    for (lower, add), upper in zip(steps, bounds, strict=True):
        adjustment: Request = {"MetricIntervalLowerBound": lower, "ScalingAdjustment": add}
        adjustments.append(adjustment)
        if upper is not None:
            adjustment["MetricIntervalUpperBound"] = upper
    return {
        "PolicyName": name,
        "PolicyType": "StepScaling",
        "StepScalingPolicyConfiguration": {
            "AdjustmentType": "ChangeInCapacity",
            "MetricAggregationType": "Maximum",
            "Cooldown": cooldown,
            "StepAdjustments": adjustments,
        },
    }


def _schedule(asked: Autoscale) -> list[Request]:
    actions = []
    for change in asked.schedule:
        bounds = {"MinCapacity": change.min, "MaxCapacity": change.max}
        action = {key: value for key, value in bounds.items() if value is not None}
        actions.append(
            {
                "ScheduledActionName": f"at-{digest(change.at, change.timezone)}",
                "Schedule": change.at,
                "Timezone": change.timezone,
                "ScalableTargetAction": action,
            }
        )
    return actions


def _dimensions(spec: ModelSpec) -> dict[str, str]:
    """Of the metric that scales: an asynchronous endpoint's has EndpointName alone."""
    if spec.deploy.strategy == "scale-to-zero":
        return {"InferenceComponentName": component_name(spec)}
    if spec.deploy.strategy == "async":
        return {"EndpointName": endpoint_name(spec)}
    return {"EndpointName": endpoint_name(spec), "VariantName": VARIANT}


def _listed(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _alarm(
    name: str,
    metric: str,
    statistic: str,
    threshold: float,
    period: int,
    dimensions: Mapping[str, str],
    inputs: Inputs,
) -> Request:
    """PutMetricAlarm: at the threshold or above, for one period."""
    return {
        "AlarmName": name,
        "AlarmDescription": "Adds capacity",
        "Namespace": METRICS,
        "MetricName": metric,
        "Statistic": statistic,
        "Dimensions": _listed(dimensions),
        "Period": period,
        "EvaluationPeriods": 1,
        "Threshold": threshold,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "Tags": inputs.run.stage_tags("scale"),
    }
