"""Boosted trees as XGBoost predicts them, as ONNX Runtime does, and as the local Neo's runtime does."""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
from pathlib import Path

from bench.compiled import jobs
from bench.compiled.jobs import FEATURES, HELD_OUT, NAMES, REPOSITORY, TOOLKIT, TURNS, Figures

ROUNDS, DEPTH = 500, 6
SPEC = {"train": {"framework": "xgboost"}, "compile": {"tolerance": 1e-4}}
INFERENCE = """
from pathlib import Path
import numpy as np
from container.boosting import load_booster

def model_fn(model_dir):
    return load_booster(Path(model_dir), 1)

def predict_fn(rows, model):
    return np.asarray(model.inplace_predict(rows))
"""
PROGRAM = ("-m", "bench.compiled.trees")


def run() -> dict[str, Figures]:
    """Figures by form."""
    xgboost, neo = jobs.python_of("xgboost-3.0-5"), jobs.python_of("neo-xgboost")
    taken: dict[str, list[Figures]] = {"trees": [], "trees, onnx": [], "trees, neo": []}
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        jobs.publish(base, SPEC, {"inference.py": INFERENCE})
        jobs.run_in(base, xgboost, *PROGRAM, "train", more=REPOSITORY)
        _compile_with_neo(base, neo)
        for _ in range(TURNS):
            jobs.run_in(base, xgboost, *PROGRAM, "native", more=REPOSITORY)
            jobs.run_in(base, xgboost, "-m", "container.compile_onnx")
            jobs.run_in(base, neo, "-m", "container.compile_check", more=TOOLKIT / "neo")
            compiled = jobs.document(base, "compiled")
            taken["trees"].append(jobs.figures(compiled, "before"))
            taken["trees, onnx"].append(jobs.figures(compiled, "after"))
            taken["trees, neo"].append(jobs.figures(jobs.document(base, "check"), "after"))
    return jobs.medians(taken)


def _compile_with_neo(base: Path, neo: Path) -> None:
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
    jobs.run_in(base, neo, TOOLKIT / "neo_compile.py")
    (inputs / "compiled").mkdir()
    with tarfile.open(inputs / "compiled" / "model-ml_c5.tar.gz", "w:gz") as artefact:
        for file in (base / "output" / "compiled").iterdir():
            artefact.add(file, file.name)


def _train() -> None:
    """The model and its held-out rows, where the jobs look for them."""
    import xgboost

    from container import boosting
    from container.paths import processing_input

    rows, target = jobs.sample()
    settings = {"max_depth": DEPTH, "nthread": 2, "seed": 0}
    booster = xgboost.train(settings, xgboost.DMatrix(rows, target), ROUNDS)
    model, portable = processing_input("model"), processing_input("evaluation") / "portable"
    for folder in (model, portable):
        folder.mkdir(parents=True)
    (model / boosting.MODEL_FILE).write_bytes(booster.save_raw("ubj"))
    (model / "features.json").write_text(json.dumps({"features": NAMES}))
    jobs.pack(model)
    boosting.portable(model, portable / "model.tar.gz")
    held_out = rows[:HELD_OUT]
    jobs.write_parity(held_out, target[:HELD_OUT], booster.inplace_predict(held_out))


if __name__ == "__main__":
    if sys.argv[1] == "train":
        _train()
    else:
        jobs.measure_native("xgboost")
