"""The onnx backend: a Processing job in the image that trained a model turns it into ONNX, checked.

Inputs ``model`` (the training job's ``model.tar.gz``), ``evaluation`` (evaluate's output, of which
``parity/`` is used), ``code`` and, to quantise, ``train`` (Parquet). Output ``compiled``: ``compile.json``,
``predictions.csv`` (what the graph says of the held-out rows) and ``model.tar.gz`` with

- ``model.onnx``, ``features.json``;
- ``code/inference.py``, ``code/container/`` and ``code/requirements.txt``: the archive serves itself in XGBoost's
  image, whatever trained it, with ``SAGEMAKER_PROGRAM=inference.py`` and
  ``SAGEMAKER_SUBMIT_DIRECTORY=/opt/ml/model/code``.

XGBoost's image has neither ``onnx`` nor ONNX Runtime, so the job installs them first, from the hashed
lock beside this file: it needs a way to a package index (none under network isolation), and so
does the endpoint at each start of an instance. PyTorch's image has both; the ONNX Runtime that serves is then another
version than the one that was checked. Not verified on AWS.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from container import archives, frameworks, measure, metrics
from container.footprint import footprint
from container.paths import BASE, load_spec, processing_input, processing_output, write_exit_message

HERE = Path(__file__).resolve().parent
SERVING = ("__init__", "capture", "csv_body", "exchange", "headers", "pii")
"""Modules of this package that the served handlers import."""

PACKAGES = BASE / "packages"


class CompileError(Exception):
    """The model cannot be compiled, or not without changing its predictions."""


def main() -> int:
    """Compile, check and archive; return the exit code."""
    try:
        spec = load_spec()
        install()
        document = compile_model(spec)
        print(json.dumps(document))
        if not document["parity"]["passed"]:
            raise CompileError(complaint(document["parity"]))
    except (CompileError, ValueError) as error:
        write_exit_message(str(error))
        print(error, file=sys.stderr)
        return 1
    return 0


def install() -> None:
    """Make ``onnx`` and ``onnxruntime`` importable, leaving the image's own packages alone.

    Little of what is installed is imported: compiling all of it takes longer than the rest.

    Raises:
        CompileError: pip could not install them.
    """
    if all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        return
    lock = HERE / "onnx_compile.txt"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--require-hashes", "--no-compile"]
    done = subprocess.run(
        [*pip, "--target", str(PACKAGES), "-r", str(lock)], capture_output=True, text=True
    )
    if done.returncode:
        raise CompileError(f"{lock.name} could not be installed: {done.stderr.strip()[-600:]}")
    sys.path.append(str(PACKAGES))
    importlib.invalidate_caches()


def compile_model(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Write the archive and compile.json; return the latter, whether parity holds or not.

    Raises:
        ValueError: the model has something that the graph cannot hold.
    """
    import onnxruntime

    from container import onnx_inference

    source = processing_input("model") / "model.tar.gz"
    parity = processing_input("evaluation") / "parity"
    output = processing_output("compiled")
    expected = np.atleast_1d(np.genfromtxt(parity / "predictions.csv", delimiter=","))
    rows = np.genfromtxt(parity / "rows.csv", delimiter=",", dtype=np.float32)
    rows = rows.reshape(len(expected), -1)
    with tempfile.TemporaryDirectory() as scratch:
        archives.extract(str(source), scratch)
        model = Path(scratch)
        graph = model / "model.onnx"
        graph.write_bytes(_graph(spec, model))
        write_archive(output / "model.tar.gz", graph, model / "features.json")
        session = onnx_inference.model_fn(scratch)
        started = footprint("container.onnx_inference", scratch, rows)

    def predict(batch: Any) -> Any:
        return onnx_inference.predict_fn(batch, session)

    actual = predict(rows)
    np.savetxt(output / "predictions.csv", actual, fmt="%.9g", delimiter=",")
    after = measure.latency(predict, rows, f"onnxruntime {onnxruntime.__version__}")
    document = {
        "backend": "onnx",
        "int8": spec["compile"].get("int8"),
        "parity": _parity(spec, parity, expected, actual),
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


def _graph(spec: Mapping[str, Any], model: Path) -> bytes:
    graph: bytes = frameworks.of(spec).graph(model)
    kind = spec["compile"].get("int8")
    if kind is None:
        return graph
    from container.features import FeatureSchema
    from container.onnx_int8 import quantised

    return quantised(graph, kind, processing_input("train"), FeatureSchema.load(model))


def _parity(spec: Mapping[str, Any], parity: Path, expected: Any, actual: Any) -> dict[str, Any]:
    """How far predictions moved, and whether that is allowed: any one of them by `compile.tolerance`; of a quantised
    model all together, by what its metric may lose (`compile.metric_loss`)."""
    found = measure.parity(expected, actual, float(spec["compile"]["tolerance"]))
    if not spec["compile"].get("int8"):
        return found
    metric, allowed = spec["evaluate"]["metric"], float(spec["compile"]["metric_loss"])
    labels = np.atleast_1d(np.genfromtxt(parity / "labels.csv", delimiter=","))
    before, after = (metrics.compute(metric, labels, p)[metric] for p in (expected, actual))
    worse = (before - after) if metrics.better(metric, 1, 0) else (after - before)
    loss = worse / max(abs(before), 1e-12)
    judged = {"metric": metric, "before": before, "after": after, "loss": loss, "allowed": allowed}
    return {**found, **judged, "passed": bool(loss <= allowed)}


def complaint(found: Mapping[str, Any]) -> str:
    """Why the compiled model is not taken, as a sentence."""
    if "metric" not in found:
        return measure.complaint(dict(found))
    return (
        "the quantised model is worse: {metric} {before:.6g} became {after:.6g} on {rows} held-out rows,"
        " {loss:+.2%}; allowed is {allowed:+.2%} (compile.metric_loss)".format(**found)
    )


def write_archive(path: Path, graph: Path, features: Path) -> None:
    """The served archive: the graph, what its columns mean, and the handlers with their lock and what they import."""
    members = {
        "model.onnx": graph,
        "features.json": features,
        "code/inference.py": HERE / "onnx_inference.py",
        "code/requirements.txt": HERE / "onnx_inference.txt",
    }
    members |= {f"code/container/{name}.py": HERE / f"{name}.py" for name in SERVING}
    with tarfile.open(path, "w:gz") as archive:
        for name, file in members.items():
            archive.add(file, name)


if __name__ == "__main__":
    sys.exit(main())
