# ruff: noqa: UP006, UP035 - runs in AWS's images of PyTorch 1.9 (Python 3.8) and of Neuron
"""A network as TorchScript with fixed shapes, for Inferentia: ``python -m container.trace_network neo|neuronx``.

``neo``, for Inf1: a Processing job in AWS's image of PyTorch 1.9, the last that Neo compiles for Inf1, builds the
network again around the trained weights and traces it. Inputs ``model``, ``evaluation``, ``code``; output ``traced``
with ``model.tar.gz``, in which Neo wants one ``.pth`` file.

``neuronx``, for Inf2: a training job on a Trainium instance, whose cores are those of Inf2, in AWS's image of Neuron:
Processing has no such instances. The same three as channels; the archive that it leaves serves itself, and
``compile.json`` lies among the checkpoints, which SageMaker copies to S3 as they are.

Both fail, with the reason, when predictions on the held-out rows moved by more than ``compile.tolerance``. Neither has
run on AWS: that PyTorch 1.9 reads the weights, what Neo calls its files, and torch-neuronx itself are not verified.
"""

from __future__ import annotations

import json
import os
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Dict

import numpy as np
import torch

from container import archives, measure, scaled_network
from container.neuron_inference import in_batches
from container.neuron_serving import add_handlers

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
MODEL_FILE = "model.pt"


class TraceError(Exception):
    """The network cannot be traced, or not without changing its predictions."""


def main(kind: str) -> int:
    """Trace, check and archive; return the exit code."""
    try:
        if kind == "neo":
            for_neo(BASE / "processing" / "input", BASE / "processing" / "output" / "traced")
        else:
            for_neuronx(BASE / "input" / "data", BASE / "model", BASE / "checkpoints")
    except (TraceError, ValueError, RuntimeError) as error:
        name = "message" if kind == "neo" else "failure"
        (BASE / "output").mkdir(parents=True, exist_ok=True)
        (BASE / "output" / name).write_text(str(error)[:1024])
        print(error, file=sys.stderr)
        return 1
    return 0


def for_neo(inputs: Path, output: Path) -> None:
    """Write ``model.tar.gz`` as Neo takes it. Raises `TraceError` when predictions moved."""
    spec = json.loads((inputs / "code" / "spec.json").read_text())
    with tempfile.TemporaryDirectory() as scratch:
        network, rows, expected = _given(inputs, Path(scratch))
        batch = spec["compile"]["batch_rows"]
        traced = torch.jit.trace(network, torch.zeros(batch, rows.shape[1]))
        _checked(spec, expected, in_batches(traced, rows, batch))
        path = Path(scratch) / "model.pth"
        torch.jit.save(traced, str(path))
        output.mkdir(parents=True, exist_ok=True)
        with tarfile.open(str(output / "model.tar.gz"), "w:gz") as archive:
            archive.add(str(path), path.name)


def for_neuronx(inputs: Path, model_dir: Path, report: Path) -> None:
    """Compile with torch-neuronx and leave what serves itself. Raises `TraceError` when predictions moved."""
    import torch_neuronx  # type: ignore[import-not-found, unused-ignore]

    spec = json.loads((inputs / "code" / "spec.json").read_text())
    with tempfile.TemporaryDirectory() as scratch:
        network, rows, expected = _given(inputs, Path(scratch))
        batch = spec["compile"]["batch_rows"]
        example = torch.zeros(batch, rows.shape[1])
        traced = torch_neuronx.trace(network, example, compiler_args=["--target", "inf2"])
        found = _checked(spec, expected, in_batches(traced, rows, batch))
        after = measure.latency(lambda some: in_batches(traced, some, batch), rows, "torch-neuronx")
        features = (Path(scratch) / "features.json").read_bytes()
    model_dir.mkdir(parents=True, exist_ok=True)
    torch.jit.save(traced, str(model_dir / MODEL_FILE))
    (model_dir / "features.json").write_bytes(features)
    add_handlers(model_dir, batch)
    before = json.loads((inputs / "evaluation" / "parity" / "latency.json").read_text())
    source, size = inputs / "model" / "model.tar.gz", (model_dir / MODEL_FILE).stat().st_size
    document = {
        "backend": "neuron",
        "parity": found,
        "latency": {"before": before, "after": {**before, **after}},
        "size_bytes": {"before": source.stat().st_size, "after": size},
    }
    report.mkdir(parents=True, exist_ok=True)
    (report / "compile.json").write_text(json.dumps(document, indent=1))


def _given(inputs: Path, scratch: Path) -> Any:
    """The network, the held-out rows, and what the trained network predicts for them."""
    archives.extract(str(inputs / "model" / "model.tar.gz"), str(scratch))
    parity = inputs / "evaluation" / "parity"
    expected = np.atleast_1d(np.genfromtxt(str(parity / "predictions.csv"), delimiter=","))
    rows = np.genfromtxt(str(parity / "rows.csv"), delimiter=",", dtype=np.float32)
    return scaled_network.load(scratch), rows.reshape(len(expected), -1), expected


def _checked(spec: Dict[str, Any], expected: Any, actual: Any) -> Dict[str, Any]:
    found = measure.parity(expected, actual, float(spec["compile"]["tolerance"]))
    if not found["passed"]:
        raise TraceError(measure.complaint(found))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
