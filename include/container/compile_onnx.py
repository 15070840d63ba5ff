"""The onnx backend: a Processing job in AWS's XGBoost image turns a booster into ONNX, checked.

Inputs ``model`` (the training job's ``model.tar.gz``), ``evaluation`` (evaluate's output, of which
``parity/`` is used) and ``code``. Output ``compiled``: ``compile.json`` and ``model.tar.gz`` with

- ``model.onnx``, ``features.json``;
- ``code/inference.py``, ``code/container/`` and ``code/requirements.txt``: the archive serves itself in the same image
  with ``SAGEMAKER_PROGRAM=inference.py`` and ``SAGEMAKER_SUBMIT_DIRECTORY=/opt/ml/model/code``.

The image has neither ``onnx`` nor ONNX Runtime, so the job installs them first, from the hashed
lock beside this file: it needs a way to a package index (none under network isolation), and so
does the endpoint at each start of an instance. Not verified on AWS.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from container import archives, measure, trees
from container.footprint import footprint
from container.paths import BASE, load_spec, processing_input, processing_output, write_exit_message

HERE = Path(__file__).resolve().parent
CAPTURING = ("__init__", "capture", "exchange", "headers", "pii")
"""Modules of this package that the served handlers import."""

PACKAGES = BASE / "packages"


class CompileError(Exception):
    """The model cannot be compiled, or not without changing its predictions."""


def main() -> int:
    """Compile, check and archive; return the exit code."""
    try:
        tolerance = float(load_spec()["compile"]["tolerance"])
        install()
        document = compile_model(tolerance)
        print(json.dumps(document))
        if not document["parity"]["passed"]:
            raise CompileError(measure.complaint(document["parity"]))
    except (CompileError, ValueError) as error:
        write_exit_message(str(error))
        print(error, file=sys.stderr)
        return 1
    return 0


def install() -> None:
    """Make ``onnx`` and ``onnxruntime`` importable, leaving the image's own packages alone.

    Raises:
        CompileError: pip could not install them.
    """
    if all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        return
    lock = HERE / "onnx_compile.txt"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*pip, "--target", str(PACKAGES), "-r", str(lock)], capture_output=True, text=True
    )
    if done.returncode:
        raise CompileError(f"{lock.name} could not be installed: {done.stderr.strip()[-600:]}")
    sys.path.append(str(PACKAGES))
    importlib.invalidate_caches()


def compile_model(tolerance: float) -> dict[str, Any]:
    """Write the archive and compile.json; return the latter, whether parity holds or not.

    Raises:
        ValueError: the model has something that the graph cannot hold (``container.trees``).
    """
    import onnxruntime
    import xgboost

    from container import onnx_inference
    from container.onnx_names import INPUT
    from container.onnx_trees import to_onnx

    source = processing_input("model") / "model.tar.gz"
    parity = processing_input("evaluation") / "parity"
    output = processing_output("compiled")
    expected = np.atleast_1d(np.genfromtxt(parity / "predictions.csv", delimiter=","))
    rows = np.genfromtxt(parity / "rows.csv", delimiter=",", dtype=np.float32)
    rows = rows.reshape(len(expected), -1)
    with tempfile.TemporaryDirectory() as scratch:
        archives.extract(str(source), scratch)
        model = Path(scratch)
        booster = xgboost.Booster()
        booster.load_model(model / "xgboost-model")
        graph = model / "model.onnx"
        graph.write_bytes(to_onnx(trees.from_booster(booster)).SerializeToString())
        write_archive(output / "model.tar.gz", graph, model / "features.json")
        session = onnx_inference.model_fn(scratch)
        started = footprint("container.onnx_inference", scratch, rows)

    def predict(batch: Any) -> Any:
        return session.run(None, {INPUT: batch})[0]

    after = measure.latency(predict, rows, f"onnxruntime {onnxruntime.__version__}")
    document = {
        "backend": "onnx",
        "parity": measure.parity(expected, predict(rows), tolerance),
        "latency": {
            "before": json.loads((parity / "latency.json").read_text()),
            "after": {**after, **started},
        },
        "size_bytes": {
            "before": source.stat().st_size,
            "after": (output / "model.tar.gz").stat().st_size,
        },
    }
    (output / "compile.json").write_text(json.dumps(document, indent=1))
    return document


def write_archive(path: Path, graph: Path, features: Path) -> None:
    """The served archive: the graph, what its columns mean, and the handlers with their lock and what they import."""
    members = {
        "model.onnx": graph,
        "features.json": features,
        "code/inference.py": HERE / "onnx_inference.py",
        "code/requirements.txt": HERE / "onnx_inference.txt",
    }
    members |= {f"code/container/{name}.py": HERE / f"{name}.py" for name in CAPTURING}
    with tarfile.open(path, "w:gz") as archive:
        for name, file in members.items():
            archive.add(file, name)


if __name__ == "__main__":
    sys.exit(main())
