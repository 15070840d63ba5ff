"""A network from raw rows to an answering endpoint: every stage's own request, on a local AWS."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frugal.aws import clients
from frugal.aws.invoke import smoke_test
from frugal.aws.prepare import prepare
from frugal.aws.run import Inputs
from frugal.jobs.kinds import KINDS
from frugal.local import LocalAws
from frugal.serving.ask import asker
from frugal.spec import ModelSpec, parse_spec
from frugal.stages import compilation, deploy, evaluate, preprocess, train
from frugal.stages.common import Stage
from tests.contract.serving.conftest import fast_aws
from tests.contract.waiting import await_true

__all__ = ["fast_aws"]

BUCKET = "frugal-network"
ROWS = 1500
SPEC = """\
name: house-prices-network
owner: {team: growth, cost_center: cc-12}
data:
  target: price
  key: [id]
  columns: {id: string, rooms: integer, area: float, age: {type: float, required: false}, price: float}
train:
  framework: pytorch
  max_run: 10m
  hyperparameters: {epochs: 25, batch_rows: 64, learning_rate: 0.01, hidden: "16", threads: 1}
evaluate: {metric: rmse, floor: 60}
deploy: {strategy: realtime, capture_percent: 0}
"""
QUANTISED = SPEC + "compile: {backend: onnx, int8: static, metric_loss: 0.1}\n"


def point_at(aws: LocalAws, repository: Path, patch: pytest.MonkeyPatch) -> None:
    for name, value in aws.client_environment().items():
        patch.setenv(name, value)
    patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
    patch.setenv("FRUGAL_BUCKET", BUCKET)
    patch.setenv("FRUGAL_INCLUDE", str(repository / "include"))


@pytest.fixture(autouse=True)
def _aws(fast_aws: LocalAws, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(fast_aws, repository, monkeypatch)


@pytest.fixture(scope="module")
def trained(fast_aws: LocalAws, repository: Path, envs: Path) -> Iterator[Inputs]:
    """A run whose network is trained and evaluated."""
    if not (envs / "pytorch-2.13" / "bin" / "python").exists():
        pytest.skip("the environment of PyTorch's image cannot be built on this Python")
    with pytest.MonkeyPatch.context() as patch:
        point_at(fast_aws, repository, patch)
        clients.forget()
        clients.client("s3").create_bucket(Bucket=BUCKET)
        body = raw().encode()
        key = "house-prices-network/raw/sales.csv"
        clients.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
        spec = parse_spec(QUANTISED)
        run = prepare(spec, "manual__2026-01-01T00:00:00+00:00")
        inputs = Inputs(run=run, results={"prepare": run.as_json()})
        for stage in (preprocess.stage(spec), train.stage(spec), evaluate.stage(spec)):
            inputs = done(stage, inputs)
        yield inputs
        clients.forget()


def raw() -> str:
    chance = random.Random(1)
    lines = ["id,rooms,area,age,price"]
    for number in range(ROWS):
        rooms, area, age = chance.randint(1, 8), chance.uniform(20, 200), chance.uniform(0, 90)
        price = 50 * rooms + 3 * area - 2 * age + chance.gauss(0, 20)
        shown = "" if chance.random() < 0.05 else f"{age:.2f}"
        lines.append(f"{number},{rooms},{area:.2f},{shown},{price:.2f}")
    return "\n".join(lines) + "\n"


def done(stage: Stage, inputs: Inputs) -> Inputs:
    """The inputs with what the stage left. Raises a `JobError` when it failed."""
    kind, sagemaker = KINDS[stage.kind], clients.client("sagemaker")
    request = stage.requests[0](inputs)
    name = f"network-{stage.name}" if kind.one_per_attempt else stage.base_name
    kind.ensure(sagemaker, name, request)

    def over() -> Any:
        found = kind.find(sagemaker, name)
        return found if found is not None and kind.is_over(found) else None

    found = await_true(over, f"{name} to be done")
    if error := kind.failure(found, request):
        raise error
    left = {"job": name, "artifact": kind.artifact(found), "image": found.get("InferenceImage")}
    inputs = replace(inputs, results={**inputs.results, stage.name: left})
    uri = stage.document(inputs)
    left["document"] = clients.read_json(uri) if uri else None
    return inputs


def served(spec: ModelSpec, inputs: Inputs) -> list[float]:
    """What the live endpoint says of the first held-out rows."""
    for stage in deploy.stages(spec):
        inputs = done(stage, inputs)
    rows = held_out(inputs, "rows.csv")[:5]
    answer = clients.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=spec.name,
        ContentType="text/csv",
        Accept="text/csv",
        Body="\n".join(rows).replace("nan", ""),
    )
    return [float(line) for line in answer["Body"].read().split()]


def held_out(inputs: Inputs, name: str) -> list[str]:
    bucket, key = clients.split_uri(inputs.run.own("evaluation", "parity", name))
    body = clients.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return str(body.decode()).splitlines()


def test_a_network_is_served_by_the_pytorch_image(trained: Inputs) -> None:
    assert trained["evaluate"]["document"]["won"]
    expected = [float(line) for line in held_out(trained, "predictions.csv")[:5]]
    assert served(parse_spec(SPEC), trained) == pytest.approx(expected, rel=1e-5)


def test_a_quantised_network_is_served_without_pytorch(trained: Inputs) -> None:
    """XGBoost's image serves it, on ONNX Runtime; the endpoint is the one that served it as it was trained."""
    spec = parse_spec(QUANTISED)
    (compile_stage,) = compilation.stages(spec)
    inputs = done(compile_stage, trained)
    document = inputs["compile"]["document"]
    assert document["parity"]["passed"]
    assert document["latency"]["before"]["runtime"].startswith("torch ")
    assert document["latency"]["after"]["runtime"].startswith("onnxruntime ")
    plain = [float(line) for line in held_out(trained, "predictions.csv")[:5]]
    answered = served(spec, inputs)
    assert answered != pytest.approx(plain, rel=1e-6)
    said, tolerance = compilation.expected(spec, inputs)
    evaluation = inputs.run.own("evaluation")
    asked = smoke_test(spec.name, asker(spec, inputs), evaluation, tolerance, said)
    assert [row["predicted"] for row in asked] == pytest.approx(answered)
