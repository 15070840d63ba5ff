"""The evaluation of a network, by the job that evaluates every model."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

from .conftest import NetworkJob


def test_a_network_is_judged_and_measured_as_other_models_are(
    trained: NetworkJob, job: NetworkJob
) -> None:
    inputs = job.base / "processing" / "input"
    job.stage_code(inputs / "code")
    (inputs / "model").mkdir()
    with tarfile.open(inputs / "model" / "model.tar.gz", "w:gz") as archive:
        archive.add(trained.base / "model", ".")
    shutil.copytree(job.splits / "test", inputs / "test")
    done = job.process("evaluate")
    assert done.returncode == 0, done.stderr
    output = job.base / "processing" / "output" / "evaluation"
    evaluation = json.loads((output / "evaluation.json").read_text())
    assert evaluation["won"]
    assert evaluation["value"] < 60
    latency = json.loads((output / "parity" / "latency.json").read_text())
    assert latency["runtime"].startswith("torch ")
    assert latency["memory_mb"] > 50
    assert not list(Path(output / "portable").iterdir())
