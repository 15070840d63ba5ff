"""Multi-model endpoints: models loaded when they are asked for, unloaded when memory is full."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import BUCKET, IMAGE, ROLE, LocalAws, archive, await_endpoint, make_config

SCRIPTS = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scripts:1"
# How many models fit into an instance of the server.
LIMIT = 10

# Served by the toolkit's own program. A model is a factor; the body `sleep` takes its time.
INFERENCE = """
import pathlib, time

def model_fn(directory):
    text = (pathlib.Path(directory) / "factor").read_text()
    if text == "broken":
        raise ValueError("this model cannot be loaded")
    return int(text)

def transform_fn(model, body, content_type, accept):
    if body.startswith("sleep"):
        time.sleep(1)
        body = "1"
    return str(model * int(body)), "text/csv"
"""


@pytest.fixture
def server(local_aws: LocalAws) -> LocalAws:
    return local_aws


@pytest.fixture
def runtime(server: LocalAws) -> Any:
    return server.client("sagemaker-runtime")


def put(server: LocalAws, name: str, model: str, factor: object) -> None:
    content = archive({"factor": str(factor)})
    server.client("s3").put_object(Bucket=BUCKET, Key=f"{name}/{model}.tar.gz", Body=content)


def make(server: LocalAws, name: str, **container: Any) -> None:
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    code = f"code/{name}.tar.gz"
    s3.put_object(Bucket=BUCKET, Key=code, Body=archive({"inference.py": INFERENCE}))
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=ROLE,
        PrimaryContainer={
            "Image": SCRIPTS,
            "Mode": "MultiModel",
            "ModelDataUrl": f"s3://{BUCKET}/{name}/",
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{BUCKET}/{code}",
            },
            **container,
        },
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    described = await_endpoint(sagemaker, name)
    assert described["EndpointStatus"] == "InService", described


@pytest.fixture
def endpoint(server: LocalAws, name: str) -> Iterator[str]:
    make(server, name)
    yield name
    server.client("sagemaker").delete_endpoint(EndpointName=name)


def ask(runtime: Any, endpoint: str, model: str, body: str = "1") -> str:
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint, TargetModel=f"{model}.tar.gz", Body=body, ContentType="text/csv"
    )
    text: str = answer["Body"].read().decode()
    return text


def test_fifty_models_answer_under_concurrent_load_in_memory_for_ten(
    server: LocalAws, endpoint: str
) -> None:
    models = range(50)
    for n in models:
        put(server, endpoint, f"m{n}", n)
    wrong: list[str] = []

    def client(first: int) -> None:
        runtime = server.client("sagemaker-runtime")
        for n in [*models[first:], *models[:first]]:
            try:
                if (answer := ask(runtime, endpoint, f"m{n}", "3")) != str(3 * n):
                    wrong.append(f"{n}: {answer}")
            except ClientError as error:
                wrong.append(f"{n}: {error}")

    threads = [threading.Thread(target=client, args=(first,)) for first in range(0, 48, 12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    dimensions = {"EndpointName": endpoint, "VariantName": "AllTraffic"}

    def metric(name: str, statistic: str, **more: str) -> float | None:
        return server.metric(name, dimensions, statistic, **more)

    assert metric("ModelCacheHit", "SampleCount") == 50 * len(threads)
    assert (metric("ModelLoadingTime", "SampleCount") or 0) > 0
    assert (metric("ModelUnloadingTime", "SampleCount") or 0) >= 40
    most = await_true(
        lambda: metric("LoadedModelCount", "Maximum", namespace="/aws/sagemaker/Endpoints"),
        "how many are loaded",
    )
    assert most <= LIMIT


def test_a_model_is_loaded_once_and_the_least_recently_used_goes(
    server: LocalAws, runtime: Any, endpoint: str
) -> None:
    dimensions = {"EndpointName": endpoint, "VariantName": "AllTraffic"}

    def loads() -> float:
        return server.metric("ModelLoadingTime", dimensions, "SampleCount") or 0

    for n in range(LIMIT + 1):
        put(server, endpoint, f"m{n}", n)
    for n in range(LIMIT):
        ask(runtime, endpoint, f"m{n}")
    ask(runtime, endpoint, "m0")
    assert loads() == LIMIT
    ask(runtime, endpoint, f"m{LIMIT}")
    ask(runtime, endpoint, "m0")
    assert loads() == LIMIT + 1
    ask(runtime, endpoint, "m1")
    assert loads() == LIMIT + 2


def test_a_model_in_use_is_not_unloaded(server: LocalAws, runtime: Any, endpoint: str) -> None:
    for n in range(LIMIT + 1):
        put(server, endpoint, f"m{n}", n)
    answers: list[str] = []
    clients = [server.client("sagemaker-runtime") for _ in range(LIMIT)]
    slow = [
        threading.Thread(
            target=lambda n=n: answers.append(ask(clients[n], endpoint, f"m{n}", "sleep"))
        )
        for n in range(LIMIT)
    ]
    for thread in slow:
        thread.start()
    assert ask(runtime, endpoint, f"m{LIMIT}") == str(LIMIT)
    for thread in slow:
        thread.join()
    assert sorted(map(int, answers)) == list(range(LIMIT))


def test_models_are_added_and_removed_while_it_serves(
    server: LocalAws, runtime: Any, endpoint: str
) -> None:
    with pytest.raises(runtime.exceptions.ValidationError, match="Failed to download model data"):
        ask(runtime, endpoint, "late")
    put(server, endpoint, "late", 7)
    assert ask(runtime, endpoint, "late") == "7"
    server.client("s3").delete_object(Bucket=BUCKET, Key=f"{endpoint}/late.tar.gz")
    assert ask(runtime, endpoint, "late") == "7", "it is loaded still"
    for n in range(LIMIT):
        put(server, endpoint, f"m{n}", n)
        ask(runtime, endpoint, f"m{n}")
    with pytest.raises(runtime.exceptions.ValidationError, match="Failed to download model data"):
        ask(runtime, endpoint, "late")


def test_without_a_cache_every_request_loads(server: LocalAws, runtime: Any, name: str) -> None:
    make(server, name, MultiModelConfig={"ModelCacheSetting": "Disabled"})
    put(server, name, "m", 2)
    assert [ask(runtime, name, "m"), ask(runtime, name, "m")] == ["2", "2"]
    dimensions = {"EndpointName": name, "VariantName": "AllTraffic"}
    assert server.metric("ModelCacheHit", dimensions) == 0
    server.client("sagemaker").delete_endpoint(EndpointName=name)


def test_a_model_that_cannot_be_loaded_fails_alone(
    server: LocalAws, runtime: Any, endpoint: str
) -> None:
    put(server, endpoint, "bad", "broken")
    put(server, endpoint, "good", 5)
    with pytest.raises(runtime.exceptions.ModelError, match="this model cannot be loaded"):
        ask(runtime, endpoint, "bad")
    assert ask(runtime, endpoint, "good") == "5"


def test_a_target_is_needed_here_and_nowhere_else(
    server: LocalAws, runtime: Any, endpoint: str, name: str
) -> None:
    with pytest.raises(runtime.exceptions.ValidationError, match="missing a target model header"):
        runtime.invoke_endpoint(EndpointName=endpoint, Body="1")
    make_config(server, f"{name}-single")
    sagemaker = server.client("sagemaker")
    sagemaker.create_endpoint(EndpointName=f"{name}-single", EndpointConfigName=f"{name}-single")
    await_endpoint(sagemaker, f"{name}-single")
    with pytest.raises(runtime.exceptions.ValidationError, match="is not a multi-model endpoint"):
        ask(runtime, f"{name}-single", "m")
    sagemaker.delete_endpoint(EndpointName=f"{name}-single")


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"Image": IMAGE}, "multi-models=true Docker label"),
        ({"ModelDataUrl": None}, "needs a ModelDataUrl"),
        ({"Mode": "SingleModel", "MultiModelConfig": {}}, "needs the Mode MultiModel"),
    ],
)
def test_containers(server: LocalAws, name: str, container: dict[str, Any], message: str) -> None:
    whole = {"Image": SCRIPTS, "Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/"} | container
    given = {k: v for k, v in whole.items() if v is not None}
    with pytest.raises(ClientError, match=message):
        server.client("sagemaker").create_model(
            ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=given
        )
