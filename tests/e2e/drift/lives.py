"""The program forms/forms.py, which goes on beside the other tests, and what it tells in the end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from frugal.local import REPOSITORY, LocalAws

PROGRAM = Path(__file__).parent / "forms" / "forms.py"
BUCKET = "frugal-forms"
LONGEST_SECONDS = 1800
FORMS = {
    "serverless": "{strategy: serverless}",
    "multi-model": "{strategy: multi-model, endpoint: shared, instance: ml.m5.large}",
    "batch": "{strategy: batch, instance: ml.m5.large}",
}
MODEL = """\
name: {name}
owner: {{team: growth, cost_center: cc-12}}
data:
  target: rent
  key: [id]
  columns: {{id: string, since: date, area: float, rooms: integer, rent: float}}
  features: [area, rooms]
train:
  version: 3.0-5
  hyperparameters: {{objective: "reg:squarederror", num_round: 60, max_depth: 4, nthread: 1}}
evaluate: {{metric: rmse, floor: 1000, recent: {{min_rows: 50}}}}
deploy: {deploy}
monitor: {{schedule: "@hourly", window: 1h, min_samples: 200, retrain: {{cooldown: 1s}}}}
"""


@dataclass(frozen=True)
class Lives:
    """The program, where it writes what came of each model, and where it logs."""

    process: subprocess.Popen[bytes]
    told: Path
    log: Path

    def read(self) -> dict[str, dict[str, Any]]:
        """What became of each form's model, once the program has ended."""
        ended = self.process.wait(LONGEST_SECONDS)
        assert ended == 0, self.log.read_text()[-6000:]
        return {life["strategy"]: life for life in json.loads(self.told.read_text())}


@contextmanager
def going_on(folder: Path, local: LocalAws) -> Iterator[Lives]:
    """Start the program; what is left of it at the end is killed."""
    environment = os.environ | local.client_environment() | _environment(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local.client_environment().items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, env=environment, check=True, capture_output=True)
    told, log = folder / "told.json", folder / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(told)],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield Lives(process, told, log)
        finally:
            process.kill()


def _environment(folder: Path) -> dict[str, str]:
    include = folder / "include"
    ignored = shutil.ignore_patterns("__pycache__")
    for part in ("container", "prices"):
        shutil.copytree(REPOSITORY / "include" / part, include / part, ignore=ignored)
    shutil.copy(REPOSITORY / "include" / "images.yaml", include)
    for form, deploy in FORMS.items():
        model, example = include / "models" / form, REPOSITORY / "include/models/house-prices"
        model.mkdir(parents=True)
        (model / "model.yaml").write_text(MODEL.format(name=form, deploy=deploy))
        for script in ("train.py", "inference.py"):
            shutil.copy(example / script, model)
    return {
        "AIRFLOW_CONN_AWS_DEFAULT": '{"conn_type": "aws"}',
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROGRAM.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "FRUGAL_BUCKET": BUCKET,
        "FRUGAL_INCLUDE": str(include),
        "FRUGAL_POLL_SECONDS": "0.2",
        "PYTHONPATH": str(REPOSITORY / "plugins"),
    }
