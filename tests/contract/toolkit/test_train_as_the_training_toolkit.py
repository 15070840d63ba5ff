"""The same script under our training program and under AWS's ``sagemaker-training``.

Every variable that ours sets has to be one that AWS's sets, with the same value. The XGBoost image
holds an older toolkit (``sagemaker-containers`` 2.8.6), which sets fewer: ours is that set.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, installed

TRAIN = ROOT / "include/local_aws/toolkit/train.py"

SCRIPT = """
import json, os, sys
seen = {"arguments": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd()}
json.dump(seen, open(os.environ["SM_OUTPUT_DATA_DIR"] + "/seen.json", "w"))
"""

HYPERPARAMETERS = {
    "sagemaker_program": "train.py",
    "sagemaker_region": "us-east-1",
    "sagemaker_job_name": "job-1",
    "sagemaker_container_log_level": 20,
    "sagemaker_own_setting": {"a": 1},
    "max_depth": 6,
    "eta": 0.1,
    "verbose": True,
    "objective": "reg:squarederror",
    "sizes": [1, 2],
    "weights": {"b": 2, "a": 1},
    "n": None,
}

IMAGE_ONLY = {"SM_INPUT", "SM_INPUT_TRAINING_CONFIG_FILE", "SM_INPUT_DATA_CONFIG_FILE"} | {
    "SM_CHECKPOINT_CONFIG_FILE"
}
"""Set by the XGBoost image's Dockerfile, not by a toolkit."""

LATER = {"current_instance_type", "current_instance_group", "instance_groups", "is_hetero"}
"""Some of what only the later toolkit knows, to see that the comparison would notice."""


def prepare(base: Path) -> None:
    """A base directory as SageMaker lays it out."""
    config = base / "input/config"
    config.mkdir(parents=True)
    for directory in (
        "source",
        "model",
        "output/data",
        "input/data/train",
        "input/data/validation",
    ):
        (base / directory).mkdir(parents=True)
    (base / "source/train.py").write_text(SCRIPT)
    own = {"sagemaker_submit_directory": str(base / "source")}
    encoded = {name: json.dumps(value) for name, value in (HYPERPARAMETERS | own).items()}
    channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}
    files: dict[str, Any] = {
        "hyperparameters": encoded,
        "inputdataconfig": {"train": channel, "validation": channel},
        "resourceconfig": {
            "current_host": "localhost",
            "hosts": ["localhost"],
            "network_interface_name": "lo",
        },
    }
    for name, content in files.items():
        (config / f"{name}.json").write_text(json.dumps(content))


def run(base: Path, command: list[str | Path], **environment: str) -> dict[str, Any]:
    """What the script saw, with the base directory written as ``/opt/ml``."""
    prepare(base)
    own = {
        "SAGEMAKER_BASE_DIR": str(base),
        "TRAINING_JOB_NAME": "job-1",
        "PATH": os.environ["PATH"],
    }
    aws = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        command, env={**own, **aws, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (base / "output/success").exists()
    text = (base / "output/data/seen.json").read_text()
    seen: dict[str, Any] = json.loads(text.replace(str(base), "/opt/ml"))
    return seen


@pytest.fixture(scope="module")
def seen(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Under ours, and under AWS's."""
    python = python_of("images/xgboost-3.0-5")
    toolkit = installed(python, Path(__file__).with_name("sagemaker-training.txt"))
    cli = "from sagemaker_training.cli.train import main; main()"
    ours = run(tmp_path_factory.mktemp("ours"), [python, TRAIN])
    aws = run(tmp_path_factory.mktemp("aws"), [python, "-c", cli], PYTHONPATH=str(toolkit))
    return ours, aws


def test_arguments_and_directory_are_the_same(seen: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, aws = seen

    assert ours["arguments"] == aws["arguments"]
    assert ours["cwd"] == aws["cwd"] == "/opt/ml/code"


def test_variables_are_the_toolkits(seen: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, aws = (
        {
            name: value
            for name, value in each["environment"].items()
            if name.startswith("SM_") and name not in IMAGE_ONLY
        }
        for each in seen
    )
    own_module, own_view = ours.pop("SM_FRAMEWORK_MODULE"), json.loads(ours.pop("SM_TRAINING_ENV"))
    later = {f"SM_{name.upper()}" for name in LATER}

    assert own_module == "sagemaker_xgboost_container.training:main"
    assert later <= aws.keys() - ours.keys()
    assert ours == {name: aws[name] for name in ours}
    view = json.loads(aws["SM_TRAINING_ENV"])
    own_view.pop("framework_module")
    assert own_view == {name: view[name] for name in own_view}


def test_other_variables_are_the_toolkits(seen: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, aws = (each["environment"] for each in seen)

    for name in ("CURRENT_HOST", "SAGEMAKER_JOB_NAME", "SAGEMAKER_REGION", "TRAINING_JOB_NAME"):
        assert ours[name] == aws[name]
    assert "/opt/ml/code" in ours["PYTHONPATH"].split(":")
    assert "/opt/ml/code" in aws["PYTHONPATH"].split(":")
