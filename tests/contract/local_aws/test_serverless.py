"""Serverless endpoints: containers that come with the requests, a cap, provisioned ones that stay."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import LocalAws, await_endpoint, make_config


@pytest.fixture
def server(mortal: LocalAws) -> LocalAws:
    return mortal


@pytest.fixture
def runtime(server: LocalAws) -> Any:
    return server.client("sagemaker-runtime")


@pytest.fixture
def make(server: LocalAws, name: str) -> Any:
    """Makes the endpoint `name`; it is deleted after the test."""
    sagemaker = server.client("sagemaker")

    def create(environment: dict[str, str] | None = None, **serverless: int) -> dict[str, Any]:
        config = {"MemorySizeInMB": 1024, "MaxConcurrency": 4, **serverless}
        make_config(server, name, {"OWNER": name, **(environment or {})}, ServerlessConfig=config)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        return await_endpoint(sagemaker, name)

    yield create
    await_endpoint(sagemaker, name)
    sagemaker.delete_endpoint(EndpointName=name)


def containers(server: LocalAws, name: str) -> int:
    return len([p for p in server.processes(f"OWNER={name}") if "programs/serve.py" in p])


def ask(runtime: Any, name: str, body: str = "1,2") -> str:
    answer = runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType="text/csv")
    text: str = answer["Body"].read().decode()
    return text


@contextmanager
def held(runtime: Any, name: str, path: Path, count: int) -> Iterator[None]:
    """So many requests, tried until they are taken, that are not answered before the block ends."""

    def hold() -> None:
        while not path.exists():
            with suppress(ClientError):
                ask(runtime, name, f"until {path}")

    threads = [threading.Thread(target=hold) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        path.touch()
        for thread in threads:
            thread.join()


def configure(server: LocalAws, name: str, **changes: int) -> dict[str, Any]:
    sagemaker = server.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[
            {"VariantName": "AllTraffic", "ServerlessUpdateConfig": changes}
        ],
    )
    (variant,) = await_endpoint(sagemaker, name)["ProductionVariants"]
    current: dict[str, Any] = variant["CurrentServerlessConfig"]
    return current


def test_containers_come_with_concurrency_and_go_when_idle(
    server: LocalAws, runtime: Any, name: str, make: Any, tmp_path: Path
) -> None:
    make()
    await_true(lambda: containers(server, name) == 0, "no container for no request")
    with held(runtime, name, tmp_path / "go", 2):
        await_true(lambda: containers(server, name) == 2, "a container each for two requests")
    await_true(lambda: containers(server, name) == 0, "the idle containers to stop")
    dimensions = {"EndpointName": name, "VariantName": "AllTraffic"}
    assert (server.metric("ModelSetupTime", dimensions, "SampleCount") or 0) >= 2


def test_provisioned_concurrency_stays_warm_and_is_scaled(
    server: LocalAws, runtime: Any, name: str, make: Any
) -> None:
    described = make(ProvisionedConcurrency=1)
    current = described["ProductionVariants"][0]["CurrentServerlessConfig"]
    assert current["ProvisionedConcurrency"] == 1
    assert containers(server, name) == 1
    assert configure(server, name, ProvisionedConcurrency=2)["ProvisionedConcurrency"] == 2
    assert containers(server, name) == 2
    assert ask(runtime, name) == f"{name}:3.0"
    dimensions = {"EndpointName": name, "VariantName": "AllTraffic"}
    used = server.metric("ServerlessProvisionedConcurrencyUtilization", dimensions, "Maximum")
    assert used == 0.5
    configure(server, name, ProvisionedConcurrency=1)
    await_true(lambda: containers(server, name) == 1, "the container that is not wanted to stop")


def test_above_the_concurrency_requests_are_throttled(
    server: LocalAws, runtime: Any, name: str, make: Any, tmp_path: Path
) -> None:
    make(MaxConcurrency=1)
    assert configure(server, name, MaxConcurrency=2)["MaxConcurrency"] == 2

    def throttled() -> Any:
        try:
            ask(runtime, name)
        except ClientError as error:
            return error.response
        return None

    with held(runtime, name, tmp_path / "go", 2):
        response = await_true(throttled, "a request above MaxConcurrency to be refused")
    assert response["Error"]["Code"] == "ThrottlingException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_container_above_its_memory_is_killed(
    server: LocalAws, runtime: Any, name: str, make: Any
) -> None:
    make({"MEGABYTES": "200", "PROCESSES": "6"}, ProvisionedConcurrency=1)

    def said() -> bool:
        group = f"/aws/sagemaker/Endpoints/{name}"
        events = server.client("logs").filter_log_events(logGroupName=group)["events"]
        return any("its limit is 1024 MB" in event["message"] for event in events)

    await_true(said, "the container's end in its log")


def test_concurrency_has_bounds(server: LocalAws, name: str, make: Any) -> None:
    make()
    with pytest.raises(ClientError, match="must not be above MaxConcurrency"):
        configure(server, name, ProvisionedConcurrency=5)


def test_a_serverless_endpoint_becomes_instances_but_not_back(
    server: LocalAws, runtime: Any, name: str, make: Any
) -> None:
    make()
    sagemaker = server.client("sagemaker")
    make_config(server, f"{name}-live")
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-live")
    described = await_endpoint(sagemaker, name)
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert ask(runtime, name) == f"{name}-live:3.0"
    with pytest.raises(ClientError, match="to a serverless one"):
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name)
