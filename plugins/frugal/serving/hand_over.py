"""From one form of serving to another: what AWS does not change in place, and what an earlier form left.

`make_room` goes before a deployment, `hand_over` after it, when the new form is in service.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from frugal.aws import clients
from frugal.aws.run import Inputs
from frugal.jobs.endpoint import ENDPOINT
from frugal.jobs.outcome import AlgorithmFailed
from frugal.serving import remove
from frugal.serving.form import obstacle
from frugal.serving.names import component_on, endpoint_name
from frugal.serving.strays import strays
from frugal.spec import ModelSpec

HOUR = timedelta(hours=1)


def make_room(spec: ModelSpec, inputs: Inputs, rung: object = None) -> None:
    """Remove what stands in the way of the deployment, if the spec says so. Safe to be done again.

    Raises AlgorithmFailed when it does not, or when the endpoint in the way serves other models, too.
    """
    region, name = inputs.run.region, endpoint_name(spec)
    reason = obstacle(spec, region)
    if reason is None:
        return
    if spec.deploy.replace != "remove":
        raise AlgorithmFailed(name, reason)
    try:
        remove.remove(remove.find_endpoint(spec, name, region))
    except remove.NotRemovable as error:
        raise AlgorithmFailed(name, f"{reason}. {error}") from error


def hand_over(
    spec: ModelSpec, region: str | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """Remove the endpoints that an earlier form or name left, as `deploy.replace` says.

    Returns {"removed": [a line a thing], "kept": {endpoint: reason}}.
    """
    removed: list[str] = []
    kept: dict[str, str] = {}
    for name in strays(spec, region):
        try:
            if reason := _spared(spec, name, region, now or datetime.now(UTC)):
                kept[name] = reason
            else:
                removed += remove.remove(remove.find_endpoint(spec, name, region))
        except remove.NotRemovable as error:
            kept[name] = str(error)
    return {"removed": removed, "kept": kept}


def _spared(spec: ModelSpec, name: str, region: str | None, now: datetime) -> str | None:
    """Why an earlier endpoint stays for now; None when it can go."""
    if spec.deploy.replace == "keep":
        return "deploy.replace is keep"
    found = ENDPOINT.find(clients.client("sagemaker", region), name)
    if spec.deploy.replace == "remove" or found is None:
        return None
    since = now - spec.deploy.idle
    if found["CreationTime"] > since:
        return f"was made within the last {spec.deploy.idle}"
    if asked := _requests(found, region, since, now):
        return f"was asked {asked:,.0f} times within the last {spec.deploy.idle}"
    return None


def _requests(
    endpoint: Mapping[str, Any], region: str | None, since: datetime, now: datetime
) -> float:
    """Requests to an endpoint, whatever its form.

    Asynchronous ones have no Invocations: docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
    """
    name = {"EndpointName": endpoint["EndpointName"]}
    component = {"InferenceComponentName": component_on(endpoint["EndpointName"])}
    asked = [("Invocations", component, "Sum"), ("ApproximateBacklogSize", name, "Maximum")]
    for variant in endpoint.get("ProductionVariants", []):
        both = {**name, "VariantName": variant["VariantName"]}
        asked += [(metric, both, "Sum") for metric in ("Invocations", "InvocationsProcessed")]
    queries = [
        {
            "Id": f"m{index}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SageMaker",
                    "MetricName": metric,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in of.items()],
                },
                "Period": int(HOUR.total_seconds()),
                "Stat": statistic,
            },
        }
        for index, (metric, of, statistic) in enumerate(asked)
    ]
    pages = clients.client("cloudwatch", region).get_paginator("get_metric_data")
    found = pages.paginate(MetricDataQueries=queries, StartTime=since, EndTime=now + HOUR)
    return float(sum(sum(each["Values"]) for page in found for each in page["MetricDataResults"]))
