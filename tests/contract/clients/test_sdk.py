"""The SageMaker Python SDK 3 against the local AWS, in an environment of its own.

It cannot be installed beside Airflow, so a program does the work there and these tests read what
it saw. Two of the SDK's habits do not go through AWS_ENDPOINT_URL or the local AWS, and a user has
to know them: `Session` needs its `default_bucket`, since it asks Amazon's own STS for the account
to make up one; and ModelTrainer asks IAM to simulate its role's policies, unless
SAGEMAKER_VALIDATE_ROLE is false.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frugal.local import LocalAws
from tests.contract.clients import example

BUCKET = "clients-sdk"


@pytest.fixture(scope="module")
def has_opt_ml(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> bool:
    """Whether this system lets a job have an /opt/ml of its own."""
    program = repository / "include" / "local_aws" / "execution" / "opt_ml.py"
    base = tmp_path_factory.mktemp("base")
    (base / "here").touch()
    look = ["/bin/sh", "-c", "test -e /opt/ml/here"]
    alone = [sys.executable, "-I", "-S", str(program)]
    return subprocess.run([*alone, str(base), *look]).returncode == 0


@pytest.fixture(scope="module")
def seen(
    has_opt_ml: bool,
    local_aws: LocalAws,
    python_of: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """What sdk_program.py saw."""
    home = tmp_path_factory.mktemp("sdk")
    task = {
        "inputs": str(example.write_inputs(home / "bucket")),
        "code": str(Path(__file__).with_name("model")) if has_opt_ml else "",
        "answer": str(home / "answer.json"),
        "bucket": BUCKET,
        "image": example.IMAGE,
        "role": example.ROLE,
        "rows": example.ROWS,
    }
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "SAGEMAKER_VALIDATE_ROLE": "false",
        **local_aws.client_environment(),
    }
    done = subprocess.run(
        [python_of("sdk"), str(Path(__file__).with_name("sdk_program.py"))],
        input=json.dumps(task),
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(Path(task["answer"]).read_text())
    return answer


def test_a_training_job_leaves_its_model_its_metrics_and_its_log(seen: dict[str, Any]) -> None:
    trained = seen["trained"]
    assert trained["status"] == "Completed"
    assert trained["metrics"] == {"train:mean": example.MEAN}
    assert trained["artifacts"] == [
        f"s3://{BUCKET}/models/sdk-training/output/model.tar.gz",
    ]
    assert "train:mean=3.0;" in trained["log"]


def test_waiting_for_a_failed_job_raises_its_reason(seen: dict[str, Any]) -> None:
    assert "invalid float value: 'no number'" in seen["failure"]


def test_an_endpoint_serves_until_it_is_deleted(seen: dict[str, Any]) -> None:
    served = seen["served"]
    assert served["status"] == "InService"
    assert served["predictions"] == example.PREDICTIONS
    assert "Could not find endpoint" in served["afterwards"]


def test_lists_come_in_pages(seen: dict[str, Any]) -> None:
    assert seen["listed"] == [f"sdk-page-{number:02}" for number in range(12)]


def test_what_was_tagged_shows_its_tags(seen: dict[str, Any]) -> None:
    assert seen["trained"]["tags"] == {"client": BUCKET}


def test_model_trainer_trains(seen: dict[str, Any], has_opt_ml: bool) -> None:
    if not has_opt_ml:
        pytest.skip("ModelTrainer's own scripts spell out /opt/ml, which cannot be mounted here")
    trained = seen["trainer"]
    assert trained["status"] == "Completed"
    (artifacts,) = trained["artifacts"]
    assert artifacts.endswith("/output/model.tar.gz")
