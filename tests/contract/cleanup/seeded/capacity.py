"""Endpoints that have more than they need: instances that are not busy, a shadow variant that nobody ended."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.contract.cleanup.seeded.seed import Ground, States, listed
from tests.contract.waiting import await_true

#: Endpoints of which more is looked at than whether they are there.
COUNTED = ("endpoint-over-provisioned", "endpoint-shadowed")
endpoints = listed("sagemaker", "list_endpoints", "Endpoints", "EndpointName", "EndpointStatus")


def in_service(ground: Ground, name: str) -> bool:
    described = ground.aws("sagemaker").describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] != "Failed", described["FailureReason"]
    return bool(described["EndpointStatus"] == "InService")


def await_measured(ground: Ground, name: str) -> None:
    """Until CloudWatch has a value of what the endpoint's processors do today."""
    of = {"EndpointName": name, "VariantName": "all"}
    measured = partial(count, ground, "/aws/sagemaker/Endpoints", "CPUUtilization", **of)
    await_true(measured, f"the use of {name}")


def count(ground: Ground, namespace: str, metric: str, **dimensions: str) -> float:
    """How many values a metric got within a day of the local AWS's time."""
    now = ground.aws.local.ask("GET", "/_local/clock")["Now"]
    found = ground.aws("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - 86400,
        EndTime=now + 60,
        Period=86400,
        Statistics=["SampleCount"],
    )["Datapoints"]
    return float(sum(point["SampleCount"] for point in found))


def counted(ground: Ground) -> list[str]:
    return [name for name in endpoints(ground) if name.startswith(COUNTED)]


def variants(ground: Ground, member: str) -> dict[str, list[dict[str, Any]]]:
    """The variants of the endpoints that are there for their number."""
    sagemaker = ground.aws("sagemaker")
    found = {name: sagemaker.describe_endpoint(EndpointName=name) for name in counted(ground)}
    return {name: endpoint.get(member, []) for name, endpoint in found.items()}


def instances(ground: Ground) -> States:
    return {
        name: f"{found[0]['CurrentInstanceCount']} instances"
        for name, found in variants(ground, "ProductionVariants").items()
        if found and "over-provisioned" in name
    }


def shadows(ground: Ground) -> States:
    return {
        n: "there" for n, found in variants(ground, "ShadowProductionVariants").items() if found
    }


def configs(ground: Ground) -> States:
    """Without those that an endpoint came to by cleaning up: their names are nobody's to know."""
    sagemaker = ground.aws("sagemaker")
    serving = {
        name: sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
        for name in counted(ground)
    }
    changed = {config for name, config in serving.items() if config != name}
    return {name: state for name, state in LISTED(ground).items() if name not in changed}


LISTED = listed("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName")
