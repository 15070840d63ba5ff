"""Inference components: copies of models on an endpoint's instances, down to none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import ROLE, LocalAws, await_endpoint, make_config
from .traffic import Client

CORES = {"NumberOfCpuCoresRequired": 1, "MinMemoryRequiredInMb": 512}


@pytest.fixture
def runtime(local_aws: LocalAws) -> Any:
    return local_aws.client("sagemaker-runtime")


def make_host(local_aws: LocalAws, name: str) -> None:
    """An endpoint for components, and models `<name>-a` and `<name>-b`."""
    for letter in "ab":
        make_config(local_aws, f"{name}-{letter}")
    sagemaker = local_aws.client("sagemaker")
    variant = {
        "VariantName": "host",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "ManagedInstanceScaling": {
            "Status": "ENABLED",
            "MinInstanceCount": 0,
            "MaxInstanceCount": 2,
        },
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ExecutionRoleArn=ROLE, ProductionVariants=[variant]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert await_endpoint(sagemaker, name)["EndpointStatus"] == "InService"


def create(sagemaker: Any, endpoint: str, letter: str, copies: int = 1) -> str:
    """A component that serves the model `<endpoint>-<letter>`; its name is the model's."""
    name = f"{endpoint}-{letter}"
    sagemaker.create_inference_component(
        InferenceComponentName=name,
        EndpointName=endpoint,
        VariantName="host",
        Specification={"ModelName": name, "ComputeResourceRequirements": CORES},
        RuntimeConfig={"CopyCount": copies},
    )
    assert settled(sagemaker, name)["InferenceComponentStatus"] == "InService"
    return name


def settled(sagemaker: Any, name: str) -> dict[str, Any]:
    def described() -> dict[str, Any] | None:
        found: dict[str, Any] = sagemaker.describe_inference_component(InferenceComponentName=name)
        return found if found["InferenceComponentStatus"] in ("InService", "Failed") else None

    result: dict[str, Any] = await_true(described, f"{name} to settle")
    return result


def gone(sagemaker: Any, name: str) -> bool:
    try:
        sagemaker.describe_inference_component(InferenceComponentName=name)
    except ClientError as error:
        return "Could not find inference component" in str(error)
    return False


def scale(sagemaker: Any, name: str, copies: int) -> dict[str, Any]:
    sagemaker.update_inference_component_runtime_config(
        InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": copies}
    )
    return settled(sagemaker, name)


@pytest.fixture
def endpoint(local_aws: LocalAws, sagemaker: Any, name: str) -> Iterator[str]:
    make_host(local_aws, name)
    yield name
    remove_host(sagemaker, name)


def remove_host(sagemaker: Any, name: str) -> None:
    """Remove an endpoint after its components."""
    found = sagemaker.list_inference_components(EndpointNameEquals=name)["InferenceComponents"]
    for component in found:
        name_of_it = component["InferenceComponentName"]
        settled(sagemaker, name_of_it)
        sagemaker.delete_inference_component(InferenceComponentName=name_of_it)
        await_true(partial(gone, sagemaker, name_of_it), "its end")
    sagemaker.delete_endpoint(EndpointName=name)


def ask(runtime: Any, endpoint: str, component: str) -> str:
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint,
        InferenceComponentName=component,
        Body="1,2",
        ContentType="text/csv",
    )
    text: str = answer["Body"].read().decode()
    return text


def test_several_models_share_an_endpoint(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, endpoint: str
) -> None:
    a, b = create(sagemaker, endpoint, "a"), create(sagemaker, endpoint, "b")
    assert ask(runtime, endpoint, a) == f"{a}:3.0"
    assert ask(runtime, endpoint, b) == f"{b}:3.0"
    dimensions = {"InferenceComponentName": a}
    await_true(lambda: local_aws.metric("Invocations", dimensions) == 1, "its own metric")
    with pytest.raises(runtime.exceptions.ValidationError, match="Name header is required"):
        runtime.invoke_endpoint(EndpointName=endpoint, Body="1")
    with pytest.raises(runtime.exceptions.ValidationError, match="was not found for endpoint"):
        ask(runtime, endpoint, "nobody")
    with pytest.raises(ClientError, match="delete the inference components"):
        sagemaker.delete_endpoint(EndpointName=endpoint)


def test_a_component_scales_to_zero_and_back(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, endpoint: str
) -> None:
    component = create(sagemaker, endpoint, "a")

    def instances() -> int:
        (variant,) = sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
        count: int = variant["CurrentInstanceCount"]
        return count

    assert scale(sagemaker, component, 3)["RuntimeConfig"]["CurrentCopyCount"] == 3
    await_true(lambda: instances() == 2, "a second instance for the third copy")
    assert scale(sagemaker, component, 0)["RuntimeConfig"]["CurrentCopyCount"] == 0
    await_true(lambda: instances() == 0, "no instance for no copy")
    with pytest.raises(runtime.exceptions.ValidationError, match="has no capacity to process"):
        ask(runtime, endpoint, component)
    dimensions = {"InferenceComponentName": component}
    await_true(lambda: local_aws.metric("NoCapacityInvocationFailures", dimensions) == 1, "it")
    scale(sagemaker, component, 1)
    assert ask(runtime, endpoint, component) == f"{component}:3.0"


def test_copies_come_and_go_without_a_failed_request(
    local_aws: LocalAws, sagemaker: Any, endpoint: str
) -> None:
    component = create(sagemaker, endpoint, "a", copies=2)
    with Client(local_aws, endpoint, InferenceComponentName=component) as client:
        client.await_answers(10)
        scale(sagemaker, component, 1)
        client.await_answers(10)
        sagemaker.update_inference_component(
            InferenceComponentName=component,
            Specification={"ModelName": f"{endpoint}-b", "ComputeResourceRequirements": CORES},
        )
        settled(sagemaker, component)
        client.await_answers(10)
    assert client.failures == []
    assert set(client.answers) == {f"{endpoint}-a:3.0", f"{endpoint}-b:3.0"}


def test_a_specification_that_does_not_come_up_leaves_the_old_one(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, endpoint: str
) -> None:
    component = create(sagemaker, endpoint, "a")
    make_config(local_aws, f"{endpoint}-bad", {"FAIL": "1"})
    sagemaker.update_inference_component(
        InferenceComponentName=component,
        Specification={"ModelName": f"{endpoint}-bad", "ComputeResourceRequirements": CORES},
    )
    described = settled(sagemaker, component)
    assert "ping health check" in described["FailureReason"]
    assert ask(runtime, endpoint, component) == f"{component}:3.0"


def test_copies_are_back_after_a_restart(mortal: LocalAws, name: str) -> None:
    server, sagemaker = mortal, mortal.client("sagemaker")
    make_host(server, name)
    component = create(sagemaker, name, "a")
    server.kill()
    server.start()
    runtime = server.client("sagemaker-runtime")

    def answers() -> bool:
        try:
            return ask(runtime, name, component) == f"{component}:3.0"
        except ClientError:
            return False

    await_true(answers, "the component")
    remove_host(sagemaker, name)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"EndpointName": "nobody"}, "Could not find endpoint"),
    ({"VariantName": "other"}, "has no variant other"),
    ({"RuntimeConfig": {"CopyCount": 5}}, "does not fit"),
    (
        {"Specification": {"ComputeResourceRequirements": CORES}},
        "one of ModelName and Container",
    ),
    ({"Specification": {"ModelName": "nobody"}}, "needs ComputeResourceRequirements"),
]


def test_what_a_component_may_not_be(sagemaker: Any, endpoint: str) -> None:
    model = f"{endpoint}-a"
    request = {
        "InferenceComponentName": model,
        "EndpointName": endpoint,
        "VariantName": "host",
        "Specification": {"ModelName": model, "ComputeResourceRequirements": CORES},
        "RuntimeConfig": {"CopyCount": 1},
    }
    for change, message in REFUSED:
        with pytest.raises(ClientError, match=message):
            sagemaker.create_inference_component(**request | change)


def test_a_variant_with_a_model_hosts_no_component(
    local_aws: LocalAws, sagemaker: Any, name: str
) -> None:
    make_config(local_aws, name)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    with pytest.raises(ClientError, match="does not host inference components"):
        sagemaker.create_inference_component(
            InferenceComponentName=name,
            EndpointName=name,
            VariantName="AllTraffic",
            Specification={"ModelName": name, "ComputeResourceRequirements": CORES},
            RuntimeConfig={"CopyCount": 1},
        )
    sagemaker.delete_endpoint(EndpointName=name)
