"""A model with a champion and an endpoint, and what Model Monitor's schedules make of its traffic."""

from __future__ import annotations

import io
import json
import math
import random
import subprocess
import tarfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from frugal.aws import clients, monitoring, registry
from frugal.aws.prepare import place
from frugal.aws.run import Inputs, Run
from frugal.jobs.kinds import KINDS
from frugal.pipelines import model_monitor
from frugal.spec import ModelSpec
from frugal.stages import monitor
from tests.contract.waiting import await_true

from .conftest import HOUR, QuickAws

BUCKET = "frugal-monitoring"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::123456789012:role/frugal-serve"
#: What the champion's run left: its training rows as they are requested, and its answers to the test split.
LEFT = """
import sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq
random = np.random.default_rng(7)
area, rooms = random.normal(60, 15, 4000), random.integers(1, 6, 4000)
rent = area * 12 + random.normal(0, 20, 4000)
columns = {"rent": rent, "area": area, "rooms": rooms}
pq.write_table(pa.table({k: np.asarray(v, np.float32) for k, v in columns.items()}), sys.argv[1])
pq.write_table(pa.table({"prediction": area * 12, "label": rent}), sys.argv[2])
"""


@dataclass
class Served:
    """A model with a champion and an endpoint whose traffic AWS captures."""

    spec: ModelSpec
    aws: QuickAws
    dice: random.Random = field(default_factory=lambda: random.Random(3))

    @property
    def run(self) -> Run:
        return place(self.spec, "watch")

    def bind(self) -> list[str]:
        run = self.run
        assert run.champion is not None
        return model_monitor.bind(self.spec, run, registry.lineage(run.champion.arn)[registry.RUN])

    def some_due(self) -> float:
        """A time at which the schedules are due, far enough ahead to leave something captured before."""
        return (math.floor(self.aws.clock() / HOUR) + 20) * HOUR

    def collect(self) -> list[dict[str, Any]]:
        """New windows that hold what `capture` left; an hour that passes meanwhile has no rows."""
        found = model_monitor.collect(self.spec, self.run)
        return [document for document in found if document["window"]["rows"]]

    def capture(
        self, due: float, shift: float = 0.0, error: float = 20.0, rows: int = 1000
    ) -> None:
        """Leave what is captured of `rows` requests in the hour before `due`, and what became of them."""
        at = datetime.fromtimestamp(due - HOUR / 2, UTC)
        captured, truth = [], []
        for _ in range(rows):
            area, rooms = self.dice.gauss(60 + shift, 15), self.dice.randint(1, 5)
            side, key = {"observedContentType": "text/csv", "encoding": "CSV"}, uuid.uuid4().hex
            meta = {"eventId": uuid.uuid4().hex, "inferenceId": key}
            meta["inferenceTime"] = f"{at:%Y-%m-%dT%H:%M:%SZ}"
            data = {
                "endpointInput": {**side, "mode": "INPUT", "data": f"{area},{rooms}"},
                "endpointOutput": {**side, "mode": "OUTPUT", "data": f"{area * 12}"},
            }
            captured.append({"captureData": data, "eventMetadata": meta, "eventVersion": "0"})
            label = area * 12 + self.dice.gauss(0, error)
            truth.append(
                {
                    "groundTruthData": {"data": f"{label}", "encoding": "CSV"},
                    "eventMetadata": {"eventId": key},
                    "eventVersion": "0",
                }
            )
        name, hour = self.spec.name, f"{at:%Y/%m/%d/%H}"
        self.put(f"{name}/capture/{name}/main/{hour}/{uuid.uuid4().hex}.jsonl", captured)
        self.put(f"{name}/truth/{hour}/{uuid.uuid4().hex}.jsonl", truth)

    def put(self, key: str, records: list[Any]) -> None:
        body = "".join(f"{json.dumps(record)}\n" for record in records).encode()
        clients.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def pass_until(self, due: float) -> None:
        """Let the time come at which the executions of `due` begin."""
        self.aws.clock(Shift=due + HOUR / 12 + 1 - self.aws.clock())

    def executions(self, due: float) -> dict[str, dict[str, Any]]:
        """Those of a time that ended, by their kind."""
        found = {}
        for kind in monitor.kinds(self.spec):
            for execution in monitoring.executions(monitor.schedule_name(self.spec, kind), 10):
                at = execution["ScheduledTime"].timestamp()
                if abs(at - due) < 1 and execution["MonitoringExecutionStatus"] not in (
                    monitoring.UNDERWAY
                ):
                    found[kind.type] = execution
        return found

    def watch(self, due: float) -> dict[str, dict[str, Any]]:
        """The executions of a time, once all of them ended."""
        self.pass_until(due)
        wanted = len(monitor.kinds(self.spec))
        await_true(lambda: len(self.executions(due)) == wanted, f"{wanted} executions")
        return self.executions(due)


@pytest.fixture
def served(
    spec: ModelSpec,
    quick_aws: QuickAws,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    python_of: Callable[[str], Path],
) -> Served:
    """A model that was trained once, whose endpoint answers."""
    monkeypatch.setenv("FRUGAL_BUCKET", BUCKET)
    s3, sagemaker = clients.client("s3"), clients.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    files = [tmp_path / "reference.parquet", tmp_path / "predictions.parquet"]
    python = python_of("images/xgboost-3.0-5")
    subprocess.run([str(part) for part in (python, "-c", LEFT, *files)], check=True)
    run = place(spec, "train")
    for path, part in zip(files, ("baseline", "evaluation"), strict=True):
        s3.upload_file(str(path), BUCKET, f"{spec.name}/runs/{run.id}/{part}/{path.name}")
    _champion(spec, run)
    _endpoint(spec, run, sagemaker, s3)
    return Served(spec, quick_aws)


def _champion(spec: ModelSpec, run: Run) -> None:
    lineage = {registry.RUN: run.id, registry.MODEL_DATA: "s3://x/m", registry.SOURCE: "s3://x/s"}
    containers = [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}]
    request = {
        "ModelPackageGroupName": spec.name,
        "ModelApprovalStatus": "Approved",
        "InferenceSpecification": {
            "Containers": containers,
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "CustomerMetadataProperties": lineage,
    }
    registry.register(request, run.stage_tags("register"))


def _endpoint(spec: ModelSpec, run: Run, sagemaker: Any, s3: Any) -> None:
    """One that is there: who asks it is of no matter here, what it captured is put beside it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz"):
        pass
    key, tags = f"{spec.name}/model.tar.gz", run.stage_tags("deploy")
    s3.put_object(Bucket=BUCKET, Key=key, Body=buffer.getvalue())
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{key}"}
    sagemaker.create_model(
        ModelName=spec.name, ExecutionRoleArn=ROLE, PrimaryContainer=container, Tags=tags
    )
    variant = {"VariantName": "main", "ModelName": spec.name, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName=spec.name,
        ProductionVariants=[{**variant, "InitialInstanceCount": 1}],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": run.s3("capture"),
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
        Tags=tags,
    )
    sagemaker.create_endpoint(EndpointName=spec.name, EndpointConfigName=spec.name, Tags=tags)


def _over(job: str) -> bool:
    jobs = KINDS["processing"]
    return jobs.is_over(jobs.find(clients.client("sagemaker"), job) or {})


def make_baselines(served: Served) -> None:
    run, sagemaker = served.run, clients.client("sagemaker")
    assert run.champion is not None
    trained_by = registry.lineage(run.champion.arn)[registry.RUN]
    inputs = Inputs(run, {"prepare": run.as_json(), monitor.CHAMPION: {"run": trained_by}})
    jobs = KINDS["processing"]
    for kind in monitor.kinds(served.spec):
        stage = monitor.baseline_stage(served.spec, kind)
        assert stage.reuse(inputs) is None
        name, request = f"{stage.base_name}-1", stage.requests[0](inputs)
        jobs.ensure(sagemaker, name, request)
        await_true(partial(_over, name), f"{name} to end")
        found = jobs.find(sagemaker, name)
        assert found is not None
        assert jobs.failure(found, request) is None, found
        assert stage.reuse(inputs) is not None
