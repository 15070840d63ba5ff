"""The DAGs of models that are served in other forms than on an endpoint of their own, and what happens to each of them.

`python forms.py FILE` takes every model from its first training to drift, a new champion and its baseline, one DAG run
after the other without a scheduler, and writes to FILE what came of it.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from frugal.aws import clients, registry, windows
from frugal.aws.prepare import place
from frugal.pipelines import batch, restore, retrain_on_drift, train, watch_drift
from frugal.serving import multi_model
from frugal.serving.names import endpoint_name
from frugal.spec import ModelSpec, find_specs, load_spec

SPECS = [load_spec(path) for path in find_specs(Path(os.environ["FRUGAL_INCLUDE"]) / "models")]
ROWS, REQUESTS = 2000, 500  # so many requests are written at once (container/capture.py)
PATIENCE_SECONDS = 900.0
#: Rent of a square metre, and the mean area of a flat, before and after.
BEFORE, AFTER = (12.0, 60.0), (18.0, 110.0)


def dags_of(spec: ModelSpec) -> dict[str, DAG]:
    """By what they do."""
    made = {
        "train": train.build_dag(spec),
        "watch": watch_drift.build_dag(spec),
        "retrain": retrain_on_drift.build_dag(spec),
        "restore": restore.build_dag(spec),
    }
    if spec.deploy.strategy == "batch":
        made["batch"] = batch.build_dag(spec)
    return made


DAGS = {spec.name: dags_of(spec) for spec in SPECS}
globals().update({dag.dag_id: dag for made in DAGS.values() for dag in made.values()})


class Life:
    """What a model goes through."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec, self.dice = spec, random.Random(spec.name)

    def run(self, what: str, **conf: Any) -> None:
        """One run of a DAG, which must succeed."""
        ran = DAGS[self.spec.name][what].test(run_conf=conf or None)
        states = {task.task_id: str(task.state) for task in ran.get_task_instances()}
        assert str(ran.state) == "success", (self.spec.name, what, states)

    def flats(self, world: tuple[float, float], number: int) -> list[tuple[float, int, float]]:
        """Area, rooms and rent of each."""
        rent, mean = world
        found = []
        for _ in range(number):
            area, rooms = max(self.dice.gauss(mean, 12), 10.0), self.dice.randint(1, 5)
            found.append((round(area, 2), rooms, round(area * rent + 20 * rooms, 2)))
        return found

    def put_raw(self, world: tuple[float, float]) -> None:
        """All raw data; what was there before is gone."""
        lines = ["id,since,area,rooms,rent"]
        for number, (area, rooms, rent) in enumerate(self.flats(world, ROWS)):
            day = f"2026-{1 + number * 12 // ROWS:02}-{1 + number % 28:02}"
            lines.append(f"{self.dice.getrandbits(64):x},{day},{area},{rooms},{rent}")
        self.put(f"{self.spec.raw_prefix}rents.csv", "\n".join(lines) + "\n")

    def put(self, key: str, body: str) -> None:
        bucket = self.place.bucket
        clients.client("s3").put_object(Bucket=bucket, Key=key, Body=body.encode())

    @property
    def place(self) -> Any:
        return place(self.spec, "look")

    def ask(self, world: tuple[float, float]) -> str:
        """Ask what serves about flats of this world, and tell the truth; the name of the captured window."""
        flats = self.flats(world, REQUESTS)
        if self.spec.deploy.strategy == "batch":
            rows = "".join(f"{area},{rooms}\n" for area, rooms, _ in flats)
            self.put(f"{self.spec.name}/batch/in/flats.csv", rows)
            self.run("batch")
            return self.captured("capture/input")
        ids = [f"{self.dice.getrandbits(64):x}" for _ in flats]
        target = {}
        if self.spec.deploy.strategy == "multi-model":
            run = self.place
            uri = multi_model.current(self.spec.name, endpoint_name(self.spec), run.bucket)
            target = clients.read_json(uri) or {}
        for (area, rooms, _), key in zip(flats, ids, strict=True):
            clients.client("sagemaker-runtime").invoke_endpoint(
                EndpointName=endpoint_name(self.spec),
                ContentType="text/csv",
                Accept="text/csv",
                Body=f"{area},{rooms}",
                InferenceId=key,
                **target,
            )
        truth = [f"{key},{rent}" for key, (_, _, rent) in zip(ids, flats, strict=True)]
        hour = f"{time.strftime('%Y/%m/%d/%H', time.gmtime())}"
        body = "\n".join(["inference_id,rent", *truth]) + "\n"
        self.put(f"{self.spec.name}/truth/{hour}/{ids[0]}.csv", body)
        return self.captured(f"capture/{endpoint_name(self.spec)}/main")

    def forget_traffic(self) -> None:
        """Nothing was asked so far."""
        run = self.place
        for folder in ("capture", "truth"):
            for key in clients.list_objects(run.s3(folder, "")):
                clients.client("s3").delete_object(Bucket=run.bucket, Key=key)

    def captured(self, folder: str) -> str:
        """The two hours in which the requests were captured, once all of them are in S3."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.is_all_of_it(keys := clients.list_objects(f"{self.place.s3(folder)}/")):
            assert time.monotonic() < deadline, f"{self.spec.name} captured only {list(keys)}"
            time.sleep(0.2)
        year, month, day, hour = min(keys).split("/")[-5:-1]
        return f"{year}-{month}-{day}T{hour}Z-2h"

    def is_all_of_it(self, keys: Iterable[str]) -> bool:
        """Whether `keys` hold every request, or in batch the manifest of what was read."""
        if self.spec.deploy.strategy == "batch":
            return any(keys)
        s3, bucket = clients.client("s3"), self.place.bucket
        bodies = (s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys)
        return sum(bytes(body).count(b"\n") for body in bodies) == REQUESTS

    def verdict(self, window: str, **conf: Any) -> str:
        """What the watch finds in a window."""
        self.run("watch", window=window, **conf)
        found = windows.verdict(self.place, window)
        assert found is not None
        return str(found["verdict"])


def live(spec: ModelSpec) -> dict[str, Any]:
    """The whole life of one model."""
    life = Life(spec)
    life.put_raw(BEFORE)
    life.run("train")
    first = registry.champion(spec.name)
    window = life.ask(AFTER)
    verdict = life.verdict(window)
    life.put_raw(AFTER)
    life.run("retrain")
    run = life.place
    decision = clients.read_json(windows.place(run, window, "decision.json"))
    outcome = clients.read_json(windows.place(run, window, "outcome.json"))
    life.run("train")
    second = registry.champion(spec.name)
    assert first is not None
    assert second is not None
    trained_by = registry.lineage(second.arn)[registry.RUN]
    evaluation = clients.read_json(run.s3("runs", trained_by, "evaluation", "evaluation.json"))
    found = windows.find(spec, life.place, endpoint_name(spec), windows.Window.parse(window))
    assert found is not None
    life.forget_traffic()
    again = life.verdict(life.ask(AFTER), again=True)
    life.run("restore")
    third = registry.champion(spec.name)
    assert third is not None
    return {
        "strategy": spec.deploy.strategy,
        "verdict": verdict,
        "decision": decision,
        "outcome": outcome,
        "promoted": second.arn != first.arn,
        "evaluation": evaluation,
        "baseline_renewed": found["baseline"] == run.s3("runs", trained_by, "baseline"),
        "again": again,
        "restored": third.arn == first.arn,
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps([live(spec) for spec in SPECS], default=str))
