"""An account with a small model in it, and what takes a version of it live: the pipeline's own requests and kinds,
without Airflow."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from frugal.aws import clients, publish, registry
from frugal.aws.run import Champion, Inputs, Run
from frugal.jobs.capacity import Rung
from frugal.jobs.kinds import KINDS
from frugal.local import LocalAws
from frugal.serving import autoscaling, batch, form, remove, rollout
from frugal.serving.publish import create_model, publish_model
from frugal.spec import ModelSpec, parse_spec
from frugal.stages import deploy, register
from frugal.stages.common import Stage
from tests.contract.conftest import run_local_aws
from tests.contract.waiting import await_true
from tests.specs import shortest

BUCKET = "frugal-serving"
CLOCK = 0.01
LOADED_MODELS = 10
#: A version multiplies each row's number by its factor; one without a factor answers 500.
INFERENCE = """\
import json, os

def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.json")) as file:
        return json.load(file)

def input_fn(data, content_type):
    return [float(line) for line in data.split()]

def predict_fn(data, model):
    return [value * model["factor"] for value in data]

def output_fn(prediction, accept):
    return "".join(f"{value:g}\\n" for value in prediction), "text/csv"
"""


class FastAws(LocalAws):
    """A local AWS on which AWS's waits are short."""

    def command(self) -> list[str]:
        return [*super().command(), "--clock", str(CLOCK), "--loaded-models", str(LOADED_MODELS)]


@pytest.fixture(scope="session")
def fast_aws(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]
) -> Iterator[LocalAws]:
    """The local AWS that the tests of this folder share."""
    home = tmp_path_factory.mktemp("serving")
    yield from run_local_aws(home, python_of("local-aws").parents[2], FastAws)


def text_of(model: str, deploy: str) -> str:
    """A model.yaml with this deploy section."""
    return f"{shortest(model)}deploy: {deploy}\n"


@dataclass
class Account:
    """What a test of a strategy does: write a version of a model, take it live, ask it, take it all away."""

    name: str = field(default_factory=lambda: f"m{uuid.uuid4().hex[:10]}")
    made: int = 0

    def __post_init__(self) -> None:
        self.sagemaker = clients.client("sagemaker")
        once = Config(retries={"total_max_attempts": 1}, max_pool_connections=20)
        self.runtime = boto3.client("sagemaker-runtime", config=once)
        self.s3 = clients.client("s3")
        self.cloudwatch = clients.client("cloudwatch")

    def spec(self, deploy: str, name: str | None = None) -> ModelSpec:
        """A model.yaml with this deploy section."""
        return parse_spec(text_of(name or self.name, deploy))

    def version(self, factor: float | None, name: str | None = None) -> Inputs:
        """A trained and approved version, as the tasks before the deployment leave it."""
        self.made += 1
        name, run_id = name or self.name, f"run-{self.made}"
        model = {} if factor is None else {"factor": factor}
        artifact = f"{name}/runs/{run_id}/model.tar.gz"
        packed = publish.archive({"model.json": json.dumps(model).encode()})
        self.s3.put_object(Bucket=BUCKET, Key=artifact, Body=packed)
        _, source = publish.publish(
            {"inference.py": INFERENCE.encode()}, f"s3://{BUCKET}/{name}/code"
        )
        run = Run(
            id=run_id,
            model=name,
            region="us-east-1",
            account="123456789012",
            bucket=BUCKET,
            role_prefix="frugal-",
            code="",
            source=source,
            code_hash="c0de",
            fingerprint="f00d",
            tags={"frugal:model": name, "frugal:environment": "dev"},
        )
        trained = {"artifact": f"s3://{BUCKET}/{artifact}", "job": f"train-{run_id}"}
        won = {"document": {"won": True, "reason": "", "metric": "auc", "value": 0.9}}
        return Inputs(
            run=run, results={"prepare": run.as_json(), "train": trained, "evaluate": won}
        )

    def register(self, spec: ModelSpec, inputs: Inputs) -> str:
        """The version in the model registry; returns its package's ARN."""
        tags = inputs.run.stage_tags("register")
        return registry.register(register.request(spec, with_result(inputs, "compile", {})), tags)

    def take_live(self, spec: ModelSpec, inputs: Inputs) -> Inputs:
        """What the DAG does from a registered model to one that is scaled. Raises a `JobError`."""
        if spec.deploy.strategy == "multi-model":
            inputs = with_result(inputs, "publish_model", publish_model(spec, inputs))
        if spec.deploy.strategy == "batch":
            model = create_model(batch.model(spec, inputs), inputs.run.region)
            inputs = with_result(inputs, "create_model", {"model": model})
        try:
            for stage in deploy.stages(spec):
                assert stage.skip(inputs) is None
                stage.enter(inputs, Rung(0, "", spot=False, region=inputs.run.region))
                result = self.run(stage, inputs)
                inputs = with_result(inputs, stage.name, result)
        finally:
            if spec.deploy.strategy != "batch" and form.serves(spec):
                rollout.forget_alarms(spec, inputs)
                autoscaling.ensure(spec, inputs)
        return inputs

    def run(self, stage: Stage, inputs: Inputs) -> dict[str, Any]:
        """Run a stage's job to its end, as JobOperator does. Raises a `JobError`."""
        kind, request = KINDS[stage.kind], stage.requests[0](inputs)
        name = f"{stage.base_name}-{inputs.run.id}" if kind.one_per_attempt else stage.base_name
        ours = False
        while not ours:  # as JobOperator: what scaling changes just now is let go first
            found = kind.ensure(self.sagemaker, name, request)
            ours = kind.is_over(found) or kind.is_for(found, request)
            found = await_true(lambda: self._over(kind, name), f"{name} to be done")
        if error := kind.failure(found, request):
            raise error
        return {"job": name, "artifact": kind.artifact(found)}

    def _over(self, kind: Any, name: str) -> Any:
        found = kind.find(self.sagemaker, name)
        return found if found is not None and kind.is_over(found) else None

    def ask(self, row: str = "2", **target: str) -> str:
        """What the live model answers to a row. Raises a ClientError."""
        named = {"EndpointName": self.name, **target}
        answer = self.runtime.invoke_endpoint(
            ContentType="text/csv", Accept="text/csv", Body=row, **named
        )
        return str(answer["Body"].read().decode().strip())

    def status(self) -> dict[str, Any]:
        described: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=self.name)
        return described

    def instances(self) -> int:
        """Instances of the main variant, as the endpoint's description has them."""
        return int(self.status()["ProductionVariants"][0]["CurrentInstanceCount"])

    def take_away(self, deploy: str) -> None:
        """`frugal remove`, and the proof that nothing is left."""
        spec = self.spec(deploy)
        gone = remove.remove(remove.find(spec))
        assert gone
        assert self.left() == {}
        assert remove.find(spec).lines == []

    def left(self) -> dict[str, list[str]]:
        """Everything in the account that carries this account's name, by kind; nothing when it is clean."""
        autoscaler = clients.client("application-autoscaling")
        of_sagemaker = {"ServiceNamespace": "sagemaker"}
        found = {
            "endpoints": self._names("list_endpoints", "Endpoints", "EndpointName"),
            "configs": self._names(
                "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"
            ),
            "models": self._names("list_models", "Models", "ModelName"),
            "targets": [
                target["ResourceId"]
                for target in autoscaler.describe_scalable_targets(**of_sagemaker)[
                    "ScalableTargets"
                ]
            ],
            "policies": [
                policy["ResourceId"]
                for policy in autoscaler.describe_scaling_policies(**of_sagemaker)[
                    "ScalingPolicies"
                ]
            ],
            "actions": [
                action["ResourceId"]
                for action in autoscaler.describe_scheduled_actions(**of_sagemaker)[
                    "ScheduledActions"
                ]
            ],
            "alarms": [
                alarm["AlarmName"] for alarm in self.cloudwatch.describe_alarms()["MetricAlarms"]
            ],
        }
        mine = {
            kind: [name for name in names if self.name in name] for kind, names in found.items()
        }
        return {kind: names for kind, names in mine.items() if names}

    def _names(self, call: str, member: str, key: str) -> list[str]:
        pages = self.sagemaker.get_paginator(call).paginate(NameContains=self.name)
        return [item[key] for page in pages for item in page[member]]


def with_result(inputs: Inputs, task: str, result: Mapping[str, Any]) -> Inputs:
    """The inputs with what another task left."""
    return dataclasses.replace(inputs, results={**inputs.results, task: result})


def with_champion(inputs: Inputs, arn: str) -> Inputs:
    """The inputs of a run that found an approved package."""
    run = dataclasses.replace(inputs.run, champion=Champion(arn, "", ""))
    return dataclasses.replace(inputs, run=run)


class Client:
    """Sends requests until it is told to stop, several at a time; counts the answers by when they were asked for."""

    def __init__(self, ask: Callable[[], str], rate: float, threads: int = 4) -> None:
        self._ask, self.rate = ask, rate
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self.answers: list[tuple[float, str]] = []
        self._pool = ThreadPoolExecutor(threads)
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._pool.shutdown()

    def _send(self) -> None:
        while not self._stopped.wait(1 / self.rate):
            self._pool.submit(self._one)

    def _one(self) -> None:
        asked = time.monotonic()
        try:
            answer = self._ask()
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        with self._lock:
            self.answers.append((asked, answer))

    def await_answers(self, number: int) -> None:
        """Let so many more answers come."""
        enough = len(self.answers) + number
        await_true(lambda: len(self.answers) >= enough, f"{number} more answers")

    def counts(self, since: float = 0.0) -> Counter[str]:
        """How often each answer came to what was asked since a time of `time.monotonic`."""
        with self._lock:
            return Counter(answer for at, answer in self.answers if at >= since)


@pytest.fixture
def account(
    fast_aws: LocalAws, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Account]:
    """A name of its own in the account that these tests share."""
    for name, value in fast_aws.client_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
    include = tmp_path / "include"
    (include / "container").mkdir(parents=True)
    shutil.copy(repository / "include" / "images.yaml", include)
    monkeypatch.setenv("FRUGAL_INCLUDE", str(include))
    monkeypatch.setenv("FRUGAL_BUCKET", BUCKET)
    # The local clock shortens AWS's own waits, and not what a model server takes to come up.
    monkeypatch.setattr(rollout, "PROVISIONING_SECONDS", rollout.EXECUTION_SECONDS[1])
    clients.forget()
    clients.client("s3").create_bucket(Bucket=BUCKET)
    yield Account()
    clients.forget()
