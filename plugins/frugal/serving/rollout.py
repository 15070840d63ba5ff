"""How an update moves traffic, and the alarms that move it back: they exist before the update starts."""

from __future__ import annotations

from math import ceil
from typing import Any

from frugal.aws import autoscaling, clients
from frugal.aws.run import Inputs
from frugal.jobs.kinds import KINDS
from frugal.serving.names import (
    COMPONENT,
    SCALING,
    VARIANT,
    alarm_prefix,
    component_name,
    endpoint_name,
)
from frugal.spec import ModelSpec
from frugal.spec.deploy import Rollout

EXECUTION_SECONDS = (600, 28_800)  # MaximumExecutionTimeoutInSeconds, botocore's model
PROVISIONING_SECONDS = 1_800  # of new instances: once, in a rolling update for each batch
ALARM_PERIOD_SECONDS = 60
STEPS = {"all-at-once": "ALL_AT_ONCE", "canary": "CANARY", "linear": "LINEAR"}

Request = dict[str, Any]


def guarded(spec: ModelSpec, inputs: Inputs, asked: Request) -> Request:
    """DeploymentConfig and Alarms of the request `asked`; nothing when the spec has no rollout.

    The alarms look at the new configuration's traffic alone, by the dimension EndpointConfigName that
    CloudWatch has from when the new fleet gets traffic (docs: deployment-guardrails-configuration).
    """
    plan = spec.deploy.rollout
    if plan is None:
        return {}
    config = asked["EndpointConfig"]["EndpointConfigName"]
    dimensions = {
        "EndpointName": endpoint_name(spec),
        "VariantName": VARIANT,
        "EndpointConfigName": config,
    }
    alarms = _alarms(plan, f"{alarm_prefix(endpoint_name(spec))}{config}/", dimensions, inputs)
    return _with_alarms(_endpoint_config(plan), alarms)


def guarded_component(spec: ModelSpec, inputs: Inputs) -> Request:
    """As `guarded`, for an inference component, which AWS updates by rolling batches of copies."""
    plan = spec.deploy.rollout
    if plan is None:
        return {}
    prefix = f"{alarm_prefix(endpoint_name(spec))}{COMPONENT}/"
    alarms = _alarms(plan, prefix, {"InferenceComponentName": component_name(spec)}, inputs)
    return _with_alarms(_rolling(plan), alarms)


def forget_alarms(spec: ModelSpec, inputs: Inputs) -> list[str]:
    """Delete the alarms of configurations that do not serve (any more); returns their names.

    An alarm bills by the month, and each configuration has its own.
    """
    name, region = endpoint_name(spec), inputs.run.region
    found = KINDS["endpoint"].find(clients.client("sagemaker", region), name)
    prefix = alarm_prefix(name)
    serves = found["EndpointConfigName"] if found else ""
    kept = tuple(f"{prefix}{part}/" for part in (serves, SCALING, COMPONENT))
    stale = {a for a in autoscaling.alarm_names(prefix, region) if not a.startswith(kept)}
    autoscaling.delete_alarms(stale, region)
    return sorted(stale)


def _with_alarms(deployment: Request, alarms: list[Request]) -> Request:
    if not alarms:
        return {"DeploymentConfig": deployment}
    names = [{"AlarmName": alarm["AlarmName"]} for alarm in alarms]
    deployment["AutoRollbackConfiguration"] = {"Alarms": names}
    return {"DeploymentConfig": deployment, "Alarms": alarms}


def _endpoint_config(plan: Rollout) -> Request:
    """DeploymentConfig of UpdateEndpoint. After the last step the old fleet waits one more `bake`, to return to."""
    if plan.kind == "rolling":
        return _rolling(plan)
    bake = int(plan.bake.total_seconds())
    part = {"Type": "CAPACITY_PERCENT", "Value": plan.percent}
    size = {"canary": {"CanarySize": part}, "linear": {"LinearStepSize": part}}
    wait = 0 if plan.kind == "all-at-once" else bake
    routing = {"Type": STEPS[plan.kind], "WaitIntervalInSeconds": wait, **size.get(plan.kind, {})}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": bake,
            "MaximumExecutionTimeoutInSeconds": _timeout(plan),
        }
    }


def _rolling(plan: Rollout) -> Request:
    return {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": plan.percent},
            "WaitIntervalInSeconds": int(plan.bake.total_seconds()),
            "MaximumExecutionTimeoutInSeconds": _timeout(plan),
        }
    }


def _timeout(plan: Rollout) -> int:
    """Longer than all waits and the coming up of instances together, within AWS's bounds."""
    steps = ceil(100 / plan.percent) if plan.kind in ("linear", "rolling") else 1
    waits = int(plan.bake.total_seconds()) * (steps + 1)
    fleets = steps if plan.kind == "rolling" else 1
    low, high = EXECUTION_SECONDS
    return max(low, min(high, waits + fleets * PROVISIONING_SECONDS))


def _alarms(
    plan: Rollout, prefix: str, dimensions: dict[str, str], inputs: Inputs
) -> list[Request]:
    """PutMetricAlarm requests. Invocation5XXErrors is 1 or 0 an answer, so its Average is the share of errors;
    ModelLatency is in microseconds.
    """
    metrics: list[Request] = []
    if plan.errors_percent is not None:
        metrics.append(
            {
                "AlarmName": f"{prefix}errors",
                "MetricName": "Invocation5XXErrors",
                "Statistic": "Average",
                "Threshold": plan.errors_percent / 100,
            }
        )
    if plan.latency_ms is not None:
        metrics.append(
            {
                "AlarmName": f"{prefix}latency",
                "MetricName": "ModelLatency",
                "ExtendedStatistic": "p95",
                "Threshold": plan.latency_ms * 1000,
            }
        )
    return [
        {
            **metric,
            "AlarmDescription": "Rolls a deployment back",
            "Namespace": "AWS/SageMaker",
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "Period": ALARM_PERIOD_SECONDS,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "Tags": inputs.run.stage_tags("deploy"),
        }
        for metric in metrics
    ]
