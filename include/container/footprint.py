# ruff: noqa: UP006, UP035 - Neo's XGBoost image has Python 3.6 and numpy 1.19
"""What a model needs to run, measured in a process of its own: memory, and the time to its first prediction.

As a program it is that process::

    python footprint.py <module> <model directory> <file with a row> <time of start, time.monotonic()>

The module has ``model_fn(model_dir)`` and ``predict_fn(rows, model)``, as an endpoint's handlers do.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict

import numpy as np

STATUS = Path("/proc/self/status")


def footprint(module: str, model_dir: str, rows: Any) -> Dict[str, float]:
    """``cold_start_seconds`` from the start of a Python to its first prediction, ``memory_mb`` resident then.

    ``rows`` are (n, features) float32, of which the first is predicted. The model server's own share,
    which does not depend on the model, comes on top of both.

    Raises:
        subprocess.CalledProcessError: the handlers failed; their error is on stderr.
    """
    paths = os.pathsep.join(path for path in sys.path if path)
    with tempfile.TemporaryDirectory() as scratch:
        row = Path(scratch) / "row.csv"
        np.savetxt(str(row), rows[:1], delimiter=",")
        command = [sys.executable, __file__, module, model_dir, str(row), repr(time.monotonic())]
        answer = subprocess.check_output(command, env={**os.environ, "PYTHONPATH": paths})
    found: Dict[str, float] = json.loads(answer.decode().splitlines()[-1])
    return found


def main(module: str, model_dir: str, row: str, started: str) -> None:
    """Load, predict, and print what it took as JSON."""
    handlers = importlib.import_module(module)
    model = handlers.model_fn(model_dir)
    rows = np.genfromtxt(row, delimiter=",", dtype=np.float32).reshape(1, -1)
    handlers.predict_fn(rows, model)
    taken = time.monotonic() - float(started)
    found = {"cold_start_seconds": round(taken, 3), "memory_mb": round(resident_mb(), 1)}
    print(json.dumps(found))


def resident_mb() -> float:
    """Memory of this process that is in RAM, in MiB (Linux's VmRSS)."""
    for line in STATUS.read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file: its modules are the package's
    main(*sys.argv[1:])
