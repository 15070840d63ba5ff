"""The whole loop where a model has no endpoint of its own on instances: serverless, one of many, in batch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from frugal.local import REPOSITORY, LocalAws
from tests.contract.conftest import run_local_aws

PROGRAM = Path(__file__).parent / "forms" / "forms.py"
BUCKET = "frugal-forms"
LONGEST_SECONDS = 1800
pytestmark = pytest.mark.timeout(LONGEST_SECONDS + 60)
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


@pytest.fixture(scope="module")
def lives(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]
) -> Iterator[dict[str, dict[str, Any]]]:
    """What became of each form's model, in one account."""
    folder = tmp_path_factory.mktemp("forms")
    for local in run_local_aws(folder, python_of("local-aws").parents[2]):
        environment = os.environ | local.client_environment() | _environment(folder, local)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in local.client_environment().items():
                patch.setenv(name, value)
            boto3.client("s3").create_bucket(Bucket=BUCKET)
        migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
        subprocess.run(migrate, env=environment, check=True, capture_output=True)
        told, log = folder / "told.json", folder / "log"
        with log.open("w") as output:
            done = subprocess.run(
                [sys.executable, str(PROGRAM), str(told)],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=LONGEST_SECONDS,
            )
        assert done.returncode == 0, log.read_text()[-6000:]
        yield {life["strategy"]: life for life in json.loads(told.read_text())}


def _environment(folder: Path, local: LocalAws) -> dict[str, str]:
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


@pytest.mark.parametrize("form", FORMS)
def test_what_drifts_is_learned_and_is_the_new_baseline(
    lives: dict[str, dict[str, Any]], form: str
) -> None:
    life = lives[form]
    assert life["verdict"] == "drift"
    assert life["decision"]["action"] == "retrain"
    assert life["outcome"]["started"]
    assert life["promoted"]
    assert life["evaluation"]["decided_by"] == "recent"
    rows = "captured rows with ground truth" if form != "batch" else "held-out rows since 2026-"
    assert rows in life["evaluation"]["recent"]["of"]
    assert life["evaluation"]["recent"]["champion"] > life["evaluation"]["recent"]["value"]
    assert life["baseline_renewed"]
    assert life["again"] == "ok", "what drifted is what the new champion learned"
    assert life["restored"]
