# ruff: noqa: UP006, UP035 - Neo's XGBoost image has Python 3.6 and numpy 1.19
"""Does what Neo compiled still predict the same, and how fast? Runs in Neo's own image.

Inputs ``compiled`` (the artefact of CreateCompilationJob), ``evaluation`` (evaluate's output:
``parity/`` with rows, predictions and latency of the uncompiled model, ``portable/`` with what was
compiled) and ``code``; output ``check`` with ``compile.json``. Exit code 1, and a message, when
predictions moved by more than ``compile.tolerance``.

The image (neo-ai-dlr ``container/Dockerfile.cpu``) has Python 3.6, numpy and ``dlr``, so this
module uses no more, and imports nothing of this package that does. That the image starts as a
Processing container on AWS, with its entry point replaced, is not verified.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict

import numpy as np

from container import archives, footprint, measure

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
INPUT = BASE / "processing" / "input"
OUTPUT = BASE / "processing" / "output" / "check"


def main() -> int:
    """Write compile.json, measured on one thread as it is served; return the exit code."""
    os.environ["OMP_NUM_THREADS"] = "1"
    tolerance = json.loads((INPUT / "code" / "spec.json").read_text())["compile"]["tolerance"]
    document = check(float(tolerance))
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "compile.json").write_text(json.dumps(document, indent=1))
    print(json.dumps(document))
    if document["parity"]["passed"]:
        return 0
    message = measure.complaint(document["parity"])
    (BASE / "output").mkdir(parents=True, exist_ok=True)
    (BASE / "output" / "message").write_text(message)
    print(message, file=sys.stderr)
    return 1


def check(tolerance: float) -> Dict[str, Any]:
    """compile.json: parity on the held-out rows, latency and archive size before and after."""
    parity = INPUT / "evaluation" / "parity"
    artefact = next((INPUT / "compiled").glob("*.tar.gz"))
    before = json.loads((parity / "latency.json").read_text())
    rows = np.genfromtxt(str(parity / "rows.csv"), delimiter=",", dtype=np.float32)
    expected = np.genfromtxt(str(parity / "predictions.csv"), delimiter=",")
    rows = rows.reshape(len(np.atleast_1d(expected)), -1)
    with tempfile.TemporaryDirectory() as directory:
        archives.extract(str(artefact), directory)
        model = model_fn(directory)

        def predict(batch: Any) -> Any:
            return predict_fn(batch, model)

        after = measure.latency(predict, rows, "dlr " + str(model.get_version()))
        after.update(footprint.footprint("container.compile_check", directory, rows))
        found = measure.parity(np.atleast_1d(expected), predict(rows), tolerance)
    portable = INPUT / "evaluation" / "portable" / "model.tar.gz"
    return {
        "backend": "neo",
        "parity": found,
        "latency": {"before": before, "after": after},
        "size_bytes": {"before": portable.stat().st_size, "after": artefact.stat().st_size},
    }


def model_fn(model_dir: str) -> Any:
    """Neo's runtime around a compiled artefact."""
    import dlr

    return dlr.DLRModel(model_dir)


def predict_fn(rows: Any, model: Any) -> Any:
    """``(rows, features)`` float32 -> the model's first output."""
    return model.run(rows)[0]


if __name__ == "__main__":
    sys.exit(main())
