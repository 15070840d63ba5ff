"""What compiling a model changes: ``python -m bench.serving``.

One model as XGBoost predicts it, as ONNX Runtime does and as the local Neo's runtime does, each in the
environment that stands for its AWS image, through the pipeline's own compile jobs. The forms take turns; the
median of each figure is reported. One thread; the held-out rows are the same for all.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
INCLUDE = REPOSITORY / "include"
TOOLKIT = INCLUDE / "local_aws" / "toolkit"
HOME = Path(os.environ.get("FRUGAL_HOME", REPOSITORY / ".frugal")).resolve()
XGBOOST, NEO = (
    HOME / "envs" / "images" / name / "bin" / "python" for name in ("xgboost-3.0-5", "neo-xgboost")
)

TURNS = 3
ROWS, FEATURES, ROUNDS, DEPTH = 50_000, 20, 500, 6
HELD_OUT = 2_000
TOLERANCE = 1e-4
INFERENCE = """
from pathlib import Path
import numpy as np
from container.boosting import load_booster

def model_fn(model_dir):
    return load_booster(Path(model_dir), 1)

def predict_fn(rows, model):
    return np.asarray(model.inplace_predict(rows))
"""


def run() -> dict[str, dict[str, float]]:
    """Per form (native, onnx, neo): the medians of its figures, and ``size_bytes`` of its archive."""
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        inputs = base / "processing" / "input"
        shutil.copytree(INCLUDE / "container", inputs / "code" / "container")
        (inputs / "code" / "inference.py").write_text(INFERENCE)
        spec = {"train": {"framework": "xgboost"}, "compile": {"tolerance": TOLERANCE}}
        (inputs / "code" / "spec.json").write_text(json.dumps(spec))
        _in(base, XGBOOST, "-m", "bench.serving", "--train", more=REPOSITORY)
        _compile_with_neo(base)
        taken: dict[str, list[dict[str, float]]] = {"native": [], "onnx": [], "neo": []}
        for _ in range(TURNS):
            _in(base, XGBOOST, "-m", "bench.serving", "--native", more=REPOSITORY)
            _in(base, XGBOOST, "-m", "container.compile_onnx")
            _in(base, NEO, "-m", "container.compile_check", more=TOOLKIT / "neo")
            onnx = _document(base, "compiled")
            neo = _document(base, "check")
            taken["native"].append(_figures(onnx, "before"))
            taken["onnx"].append(_figures(onnx, "after"))
            taken["neo"].append(_figures(neo, "after"))
    return {
        form: {name: median(turn[name] for turn in turns) for name in turns[0]}
        for form, turns in taken.items()
    }


def main() -> None:
    print(
        f"serving: {ROUNDS} trees of depth {DEPTH}, {FEATURES} features, one thread, median of {TURNS}; "
        "neo is the local Neo, whose runtime is ONNX Runtime, not AWS's"
    )
    print("           one row p50    p99  batch rows/s   memory  cold start  archive")
    for form, row in run().items():
        print(
            f"  {form:8} {row['p50_us']:8.0f} us {row['p99_us']:6.0f} {row['rows_per_second']:13,.0f} "
            f"{row['memory_mb']:5.0f} MiB {row['cold_start_seconds']:9.2f} s {row['size_bytes'] / 1024:5.0f} KiB"
        )


def _figures(document: dict[str, Any], when: str) -> dict[str, float]:
    latency = document["latency"][when]
    return {
        "p50_us": latency["single_row_us"]["p50"],
        "p99_us": latency["single_row_us"]["p99"],
        "rows_per_second": latency["batch_rows_per_second"],
        "memory_mb": latency["memory_mb"],
        "cold_start_seconds": latency["cold_start_seconds"],
        "size_bytes": document["size_bytes"][when],
    }


def _document(base: Path, output: str) -> dict[str, Any]:
    path = base / "processing" / "output" / output / "compile.json"
    document: dict[str, Any] = json.loads(path.read_text())
    if not document["parity"]["passed"]:
        raise SystemExit(f"{document['backend']}: predictions moved: {document['parity']}")
    return document


def _compile_with_neo(base: Path) -> None:
    """As CreateCompilationJob does: the portable archive in, the artefact out, where the check finds it."""
    config = {
        "InputConfig": {
            "Framework": "XGBOOST",
            "DataInputConfig": json.dumps({"data": [1, FEATURES]}),
        },
        "OutputConfig": {"TargetDevice": "ml_c5", "S3OutputLocation": "s3://bench/compiled"},
    }
    (base / "input" / "config").mkdir(parents=True)
    (base / "input" / "config" / "compilation.json").write_text(json.dumps(config))
    inputs = base / "processing" / "input"
    with tarfile.open(inputs / "evaluation" / "portable" / "model.tar.gz") as archive:
        archive.extractall(base / "input" / "model", filter="data")
    _in(base, NEO, TOOLKIT / "neo_compile.py")
    (inputs / "compiled").mkdir()
    with tarfile.open(inputs / "compiled" / "model-ml_c5.tar.gz", "w:gz") as archive:
        for file in (base / "output" / "compiled").iterdir():
            archive.add(file, file.name)


def _in(base: Path, python: Path, *command: str | Path, more: Path | None = None) -> None:
    """Run a program of a container whose /opt/ml is `base`; what it prints is shown when it fails."""
    paths = [base / "processing" / "input" / "code", *([more] if more else [])]
    kept = ("HOME", "PATH", "PIP_", "UV_", "SSL_CERT_FILE")
    environment = {name: value for name, value in os.environ.items() if name.startswith(kept)} | {
        "SAGEMAKER_BASE_DIR": str(base),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [str(python), *map(str, command)], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")


def _train() -> None:
    """The model, its held-out rows and what it predicts for them, where the compile jobs look for them."""
    import numpy as np
    import xgboost

    from container import neo_export
    from container.paths import processing_input

    random = np.random.default_rng(0)
    rows = random.normal(size=(ROWS, FEATURES)).astype(np.float32)
    target = rows @ random.normal(size=FEATURES) + np.sin(rows[:, 0] * 3) * 5
    settings = {"max_depth": DEPTH, "nthread": 2, "seed": 0}
    booster = xgboost.train(settings, xgboost.DMatrix(rows, target), ROUNDS)
    model, parity = processing_input("model"), processing_input("evaluation") / "parity"
    portable = processing_input("evaluation") / "portable"
    for folder in (model, parity, portable):
        folder.mkdir(parents=True)
    booster.save_model(model / "xgboost-model.ubj")
    (model / "xgboost-model.ubj").rename(model / "xgboost-model")
    (model / "features.json").write_text(
        json.dumps({"features": [f"x{i}" for i in range(FEATURES)]})
    )
    with tarfile.open(model / "model.tar.gz", "w:gz") as archive:
        for name in ("xgboost-model", "features.json"):
            archive.add(model / name, name)
    neo_export.export(booster, portable / "model.tar.gz")
    held_out = rows[:HELD_OUT]
    np.savetxt(parity / "rows.csv", held_out, fmt="%.9g", delimiter=",")
    np.savetxt(parity / "predictions.csv", booster.inplace_predict(held_out), fmt="%.9g")


def _native() -> None:
    """latency.json of the model as it was trained."""
    import numpy as np

    from container import measure
    from container.footprint import footprint
    from container.paths import processing_input

    inference = importlib.import_module("inference")
    model, parity = processing_input("model"), processing_input("evaluation") / "parity"
    rows = np.genfromtxt(parity / "rows.csv", delimiter=",", dtype=np.float32)
    booster = inference.model_fn(model)
    found = measure.latency(lambda some: inference.predict_fn(some, booster), rows, "xgboost")
    found.update(footprint("inference", str(model), rows))
    (parity / "latency.json").write_text(json.dumps(found))


if __name__ == "__main__":
    {"--train": _train, "--native": _native}.get("".join(sys.argv[1:]), main)()
