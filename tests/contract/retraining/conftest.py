"""A model whose champion has a real baseline, and its drift jobs, without Airflow."""

from __future__ import annotations

import json
import random
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from frugal.aws import clients, registry, windows
from frugal.aws.prepare import place_with_code, prepare
from frugal.aws.run import Inputs, Run
from frugal.events.wiring import Wiring
from frugal.jobs.kinds import KINDS
from frugal.local import LocalAws
from frugal.spec import ModelSpec, parse_spec
from frugal.stages import baseline, drift, preprocess
from frugal.stages.common import Stage
from tests.contract.waiting import await_true

BUCKET = "frugal-drift"
ROWS = 1500
SPEC = """\
name: {name}
owner: {{team: growth, cost_center: cc-12}}
data:
  target: rent
  key: [id]
  columns: {{id: string, area: float, rooms: integer, rent: float}}
evaluate: {{metric: rmse, floor: 1000}}
monitor:
  schedule: "@hourly"
  window: 1h
  retrain: {{cooldown: 1s, per_week: 100}}
"""


@dataclass
class Model:
    """A model with a champion, and what a test does to it."""

    spec: ModelSpec
    dice: random.Random = field(default_factory=lambda: random.Random(7))

    @property
    def wiring(self) -> Wiring:
        return Wiring(self.spec.name)

    def put(self, key: str, body: str) -> None:
        clients.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.encode())

    def add_raw(self, rows: int = ROWS) -> None:
        """One more file of raw data."""
        lines = ["id,area,rooms,rent"]
        for _ in range(rows):
            area, rooms = self.flat()
            lines.append(f"{uuid.UUID(int=self.dice.getrandbits(128))},{area},{rooms},{area * 12}")
        self.put(f"{self.spec.raw_prefix}{uuid.uuid4().hex}.csv", "\n".join(lines) + "\n")

    def flat(self, shift: float = 0.0) -> tuple[float, int]:
        """Area and rooms of one, larger by `shift` on average."""
        return round(self.dice.gauss(60 + shift, 15), 2), self.dice.randint(1, 5)

    def train(self) -> None:
        """A champion with the baseline of the raw data as it is now."""
        run = prepare(self.spec, f"train-{uuid.uuid4().hex}")
        inputs = Inputs(run=run, results={"prepare": run.as_json()})
        for stage in (preprocess.stage(self.spec), baseline.stage(self.spec)):
            self.run(stage, inputs)
        self.put(f"{self.spec.name}/runs/{run.id}/evaluation/evaluation.json", "{}")
        self.register(run)

    def register(self, run: Run) -> None:
        """The run's package, approved."""
        image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
        request = {
            "ModelPackageGroupName": self.spec.name,
            "ModelApprovalStatus": "Approved",
            "InferenceSpecification": {
                "Containers": [{"Image": image, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "CustomerMetadataProperties": {
                registry.RUN: run.id,
                registry.MODEL_DATA: f"s3://{BUCKET}/model.tar.gz",
                registry.SOURCE: run.source,
                registry.FINGERPRINT: run.fingerprint,
            },
        }
        registry.register(request, run.stage_tags("register"))

    def capture(self, window: windows.Window, shift: float = 0.0, rows: int = 1000) -> None:
        """What data capture leaves of `rows` requests."""
        lines = []
        for _ in range(rows):
            area, rooms = self.flat(shift)
            side = {"observedContentType": "text/csv", "encoding": "CSV"}
            data = {
                "endpointInput": {**side, "mode": "INPUT", "data": f"{area},{rooms}"},
                "endpointOutput": {**side, "mode": "OUTPUT", "data": f"{area * 12}"},
            }
            at = window.start.isoformat().replace("+00:00", "Z")
            meta = {"eventId": uuid.uuid4().hex, "inferenceTime": at}
            lines.append(
                json.dumps({"captureData": data, "eventMetadata": meta, "eventVersion": "0"})
            )
        (hour,) = window.hours
        name = self.spec.name
        self.put(f"{name}/capture/{name}/main/{hour}/00-00.jsonl", "\n".join(lines) + "\n")

    def watch(self, window: windows.Window) -> dict[str, Any]:
        """What the watch_drift DAG does to a window; returns drift.json."""
        run = place_with_code(self.spec, f"watch-{uuid.uuid4().hex}")
        found = windows.find(self.spec, run, self.spec.name, window)
        assert found is not None
        inputs = Inputs(run=run, results={"prepare": run.as_json(), drift.WINDOW: found})
        stage = drift.stage(self.spec)
        self.run(stage, inputs)
        document = clients.read_json(str(stage.document(inputs)))
        assert document is not None
        return document

    def run(self, stage: Stage, inputs: Inputs) -> str:
        """Run the stage's job to its end; returns its name."""
        kind, sagemaker = KINDS[stage.kind], clients.client("sagemaker")
        name, request = f"{stage.base_name}-{uuid.uuid4().hex[:10]}", stage.requests[0](inputs)
        kind.ensure(sagemaker, name, request)
        await_true(lambda: kind.is_over(kind.find(sagemaker, name) or {}), f"{name} to end")
        description = kind.find(sagemaker, name)
        assert description is not None
        assert kind.failure(description, request) is None
        return name

    def place(self) -> Run:
        return replace(place_with_code(self.spec, "look"), id="look")


@pytest.fixture(scope="module")
def make_model(
    local_aws: LocalAws, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Model]]:
    """Makes models that were never trained, in the account that these tests share."""
    include = tmp_path_factory.mktemp("include")
    shutil.copytree(
        repository / "include" / "container",
        include / "container",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copytree(repository / "include" / "prices", include / "prices")
    shutil.copy(repository / "include" / "images.yaml", include)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local_aws.client_environment().items():
            patch.setenv(name, value)
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
        patch.setenv("FRUGAL_INCLUDE", str(include))
        patch.setenv("FRUGAL_BUCKET", BUCKET)
        clients.forget()
        clients.client("s3").create_bucket(Bucket=BUCKET)

        def make() -> Model:
            name = f"r{uuid.uuid4().hex[:10]}"
            (include / "models" / name).mkdir(parents=True)
            (include / "models" / name / "model.yaml").write_text(SPEC.format(name=name))
            for script in ("train.py", "inference.py"):
                (include / "models" / name / script).touch()
            return Model(parse_spec(SPEC.format(name=name)))

        yield make
        clients.forget()


@pytest.fixture(scope="module")
def model(make_model: Callable[[], Model]) -> Model:
    """A model that was trained once."""
    model = make_model()
    model.add_raw()
    model.train()
    return model


@pytest.fixture(autouse=True)
def _pointed(make_model: Any, local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test's own environment points at the local AWS, too."""
    for name, value in local_aws.client_environment().items():
        monkeypatch.setenv(name, value)
