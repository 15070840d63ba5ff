"""Instances of an endpoint: started, stopped and weighted while a client sends traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import LocalAws, await_endpoint, make_config
from .traffic import Client


@pytest.fixture
def runtime(local_aws: LocalAws) -> Any:
    return local_aws.client("sagemaker-runtime")


def servers(local_aws: LocalAws, name: str) -> int:
    """How many model servers run whose container has the environment variable OWNER=name."""
    return len([p for p in local_aws.processes(f"OWNER={name}") if "programs/serve.py" in p])


@pytest.fixture
def endpoint(local_aws: LocalAws, sagemaker: Any, name: str) -> Any:
    make_config(local_aws, name, {"OWNER": name})
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    yield name
    await_endpoint(sagemaker, name)
    sagemaker.delete_endpoint(EndpointName=name)


def scale(sagemaker: Any, name: str, **wanted: Any) -> None:
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", **wanted}],
    )


def test_instances_come_and_go_without_a_failed_request(
    local_aws: LocalAws, sagemaker: Any, endpoint: str
) -> None:
    assert servers(local_aws, endpoint) == 1
    with Client(local_aws, endpoint) as client:
        scale(sagemaker, endpoint, DesiredInstanceCount=3)
        described = sagemaker.describe_endpoint(EndpointName=endpoint)
        assert described["ProductionVariants"][0]["DesiredInstanceCount"] == 3
        (variant,) = await_endpoint(sagemaker, endpoint)["ProductionVariants"]
        assert variant["CurrentInstanceCount"] == 3
        assert servers(local_aws, endpoint) == 3
        client.await_answers(20)
        scale(sagemaker, endpoint, DesiredInstanceCount=1)
        (variant,) = await_endpoint(sagemaker, endpoint)["ProductionVariants"]
        assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 1)
        assert servers(local_aws, endpoint) == 1
        client.await_answers(20)
    assert client.failures == []


def test_an_endpoint_is_updating_while_it_scales(
    local_aws: LocalAws, sagemaker: Any, name: str, tmp_path: Path
) -> None:
    start = tmp_path / "start"
    start.touch()
    make_config(local_aws, name, {"START_WHEN": str(start)})
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    start.unlink()
    scale(sagemaker, name, DesiredInstanceCount=2)
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Updating"
    with pytest.raises(ClientError, match="in-progress endpoint"):
        sagemaker.delete_endpoint(EndpointName=name)
    start.touch()
    assert await_endpoint(sagemaker, name)["EndpointStatus"] == "InService"
    sagemaker.delete_endpoint(EndpointName=name)


def test_what_was_scaled_survives_a_restart(mortal: LocalAws, name: str) -> None:
    server = mortal
    make_config(server, name, {"OWNER": name})
    sagemaker = server.client("sagemaker")
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    scale(sagemaker, name, DesiredInstanceCount=2)
    await_endpoint(sagemaker, name)
    server.kill()
    server.start()
    await_true(lambda: servers(server, name) == 2, "both instances to be back")
    (variant,) = sagemaker.describe_endpoint(EndpointName=name)["ProductionVariants"]
    assert variant["DesiredInstanceCount"] == 2
    await_endpoint(sagemaker, name)
    sagemaker.delete_endpoint(EndpointName=name)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"DesiredInstanceCount": 0}, "only asynchronous endpoints"),
        ({"ServerlessUpdateConfig": {"MaxConcurrency": 5}}, "needs a serverless variant"),
    ],
)
def test_what_cannot_be_scaled_so(
    sagemaker: Any, endpoint: str, wanted: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        scale(sagemaker, endpoint, **wanted)


def test_more_instances_than_the_quota(sagemaker: Any, endpoint: str) -> None:
    with pytest.raises(ClientError) as caught:
        scale(sagemaker, endpoint, DesiredInstanceCount=10_000)
    assert caught.value.response["Error"]["Code"] == "ResourceLimitExceeded"


def test_weights_share_the_traffic(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, name: str
) -> None:
    variants = []
    for variant in ("a", "b"):
        make_config(local_aws, f"{name}-{variant}")
        variants.append(
            {
                "VariantName": variant,
                "ModelName": f"{name}-{variant}",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        )
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)

    def shares() -> dict[str, int]:
        answers = [
            runtime.invoke_endpoint(EndpointName=name, Body="1", ContentType="text/csv")
            for _ in range(12)
        ]
        served = [answer["InvokedProductionVariant"] for answer in answers]
        return {variant: served.count(variant) for variant in ("a", "b")}

    assert shares() == {"a": 6, "b": 6}
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[{"VariantName": "a", "DesiredWeight": 3.0}],
    )
    described = await_endpoint(sagemaker, name)["ProductionVariants"]
    assert {v["VariantName"]: v["CurrentWeight"] for v in described} == {"a": 3.0, "b": 1.0}
    assert shares() == {"a": 9, "b": 3}
    sagemaker.delete_endpoint(EndpointName=name)


def test_a_shadow_variant_gets_copies_and_answers_nobody(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, name: str
) -> None:
    make_config(local_aws, f"{name}-old")
    make_config(local_aws, f"{name}-new")
    common = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": "old",
                "ModelName": f"{name}-old",
                "InitialVariantWeight": 1.0,
                **common,
            }
        ],
        ShadowProductionVariants=[
            {
                "VariantName": "new",
                "ModelName": f"{name}-new",
                "InitialVariantWeight": 0.5,
                **common,
            }
        ],
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    described = await_endpoint(sagemaker, name)
    assert [v["VariantName"] for v in described["ShadowProductionVariants"]] == ["new"]
    for _ in range(8):
        answer = runtime.invoke_endpoint(EndpointName=name, Body="1,2", ContentType="text/csv")
        assert answer["Body"].read().decode() == f"{name}-old:3.0"
    dimensions = {"EndpointName": name, "VariantName": "new"}
    await_true(lambda: local_aws.metric("Invocations", dimensions) == 4, "4 copies of 8 requests")
    sagemaker.delete_endpoint(EndpointName=name)
