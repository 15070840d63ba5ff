"""A small model in a tree of its own, its prepared run, and its training as Airflow's workers run it."""

from __future__ import annotations

import csv
import io
import json
import random
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from frugal.aws import clients
from frugal.aws.prepare import prepare
from frugal.aws.run import Inputs, Run
from frugal.jobs.operator import JobOperator
from frugal.pipelines.tasks import job_task
from frugal.spec import ModelSpec, parse_spec
from frugal.stages import preprocess, train
from tests.contract.jobs.conftest import Store, TaskInstance

ROWS = 2000
SPEC = """\
name: tiny
owner: {team: growth, cost_center: cc-12}
data:
  target: price
  key: [id]
  columns: {id: string, rooms: integer, area: float, age: float, price: float}
evaluate: {metric: rmse, floor: 1000}
train:
  max_run: 1h
  checkpoint_seconds: 1
  hyperparameters:
    objective: reg:squarederror
    num_round: 260
    segment_rounds: 10
    subsample: 0.6
    colsample_bynode: 0.7
    eta: 0.05
    nthread: 1
"""


def make_tree(include: Path, repository: Path) -> None:
    """An include/ with the model `tiny`: the example's script, which `held.py` goes before."""
    model = include / "models" / "tiny"
    model.mkdir(parents=True)
    example = repository / "include" / "models" / "house-prices"
    script = (example / "train.py").read_text()
    first, rest = script.split("def main()", 1)
    held = Path(__file__).with_name("held.py").read_text().partition("annotations\n")[2]
    (model / "train.py").write_text(f"{first}{held}\n\ndef main(){rest}")
    (model / "inference.py").write_text((example / "inference.py").read_text())
    for shared in ("container", "prices", "images.yaml"):
        (include / shared).symlink_to(repository / "include" / shared)


def raw_csv() -> bytes:
    """Sales whose price follows from the other columns."""
    pick, text = random.Random(1), io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", "rooms", "area", "age", "price"])
    for number in range(ROWS):
        rooms, area, age = pick.randint(1, 8), pick.uniform(20, 200), pick.uniform(0, 80)
        price = rooms * 10 + area * 2 - age + pick.gauss(0, 5)
        writer.writerow([number, rooms, f"{area:.2f}", f"{age:.2f}", f"{price:.2f}"])
    return text.getvalue().encode()


@dataclass
class Tiny:
    """The model's run, prepared, with its dataset."""

    run: Run
    store: Store = field(default_factory=Store)

    @classmethod
    def prepared(cls, bucket: str, dag_run: str) -> Tiny:
        """Raw data in the bucket, the code published, the dataset made by its Processing job."""
        s3, sagemaker = clients.client("s3"), clients.client("sagemaker")
        s3.put_object(Bucket=bucket, Key="tiny/raw/sales.csv", Body=raw_csv())
        spec = parse_spec(SPEC)
        run = prepare(spec, dag_run)
        if not clients.list_objects(preprocess.manifest(Inputs(run, {}))):
            request = preprocess.request(spec, Inputs(run, {}))
            name = f"tiny-preprocess-{run.id}"
            sagemaker.create_processing_job(ProcessingJobName=name, **request)
            sagemaker.get_waiter("processing_job_completed_or_stopped").wait(
                ProcessingJobName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 1200}
            )
        return cls(run)

    def operator(self, ladder: str, base_name: str) -> JobOperator:
        """The training task with this ladder, in YAML's flow style."""
        return job_task(replace(train.stage(self.spec(ladder)), base_name=base_name))

    def spec(self, ladder: str) -> ModelSpec:
        """The model with this ladder."""
        return parse_spec(f"{SPEC}  capacity: {ladder}\n")

    def context(self) -> Any:
        """Airflow's context of the task's next attempt."""
        ti = TaskInstance("train", {"prepare": self.run.as_json()}, run_id=self.run.id)
        return {"ti": ti, "params": {}, "task_state_store": self.store}

    def reached(self, attempt: int) -> bool:
        """Whether that attempt waits where `held.py` holds it."""
        uri = self.run.own("checkpoints", "held")
        return bool(clients.list_objects(uri)) and clients.read_text(uri) == str(attempt)

    def file(self, artifact: str, name: str) -> bytes:
        """One file of a model.tar.gz or output.tar.gz."""
        bucket, key = clients.split_uri(artifact)
        body = clients.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            stream = archive.extractfile(name)
            assert stream is not None
            return stream.read()

    def report(self, artifact: str) -> dict[str, Any]:
        """training.json beside the artefact."""
        output = artifact.replace("model.tar.gz", "output.tar.gz")
        document: dict[str, Any] = json.loads(self.file(output, "training.json"))
        return document
