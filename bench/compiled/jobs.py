"""Runs the pipeline's compile jobs in a container's base directory, and reads what they measured."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
INCLUDE = REPOSITORY / "include"
TOOLKIT = INCLUDE / "local_aws" / "toolkit"
HOME = Path(os.environ.get("FRUGAL_HOME", REPOSITORY / ".frugal")).resolve()

TURNS = 3
ROWS, FEATURES, HELD_OUT = 50_000, 20, 2_000
NAMES = [f"x{number}" for number in range(FEATURES)]

Figures = dict[str, float]


def python_of(image: str) -> Path:
    """The interpreter of the environment that stands for an image. Raises SystemExit when it is not built."""
    python = HOME / "envs" / "images" / image / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"the environment of {image} is not built: run `make envs`")
    return python


def publish(base: Path, spec: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """Put the code where a job finds it."""
    code = base / "processing" / "input" / "code"
    if not (code / "container").exists():
        shutil.copytree(INCLUDE / "container", code / "container")
    for name, text in files.items():
        (code / name).write_text(text)
    (code / "spec.json").write_text(json.dumps(spec))


def run_in(base: Path, python: Path, *command: str | Path, more: Path | None = None) -> None:
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


def document(base: Path, output: str) -> dict[str, Any]:
    """The compile.json that a job left. Raises SystemExit when predictions moved."""
    path = base / "processing" / "output" / output / "compile.json"
    found: dict[str, Any] = json.loads(path.read_text())
    if not found["parity"]["passed"]:
        raise SystemExit(f"{found['backend']}: predictions moved: {found['parity']}")
    return found


def figures(found: Mapping[str, Any], when: str) -> Figures:
    """One side of a compile.json: `before` or `after`."""
    latency = found["latency"][when]
    return {
        "p50_us": latency["single_row_us"]["p50"],
        "p99_us": latency["single_row_us"]["p99"],
        "rows_per_second": latency["batch_rows_per_second"],
        "memory_mb": latency["memory_mb"],
        "cold_start_seconds": latency["cold_start_seconds"],
        "size_bytes": found["size_bytes"][when],
    }


def medians(taken: Mapping[str, list[Figures]]) -> dict[str, Figures]:
    """Per form, the median of each figure over the turns."""
    return {
        form: {name: median(turn[name] for turn in turns) for name in turns[0]}
        for form, turns in taken.items()
    }


def sample() -> tuple[Any, Any]:
    """Rows ``(ROWS, FEATURES)`` float32 and their target, the same for every model."""
    import numpy as np

    random = np.random.default_rng(0)
    rows = random.normal(size=(ROWS, FEATURES)).astype(np.float32)
    return rows, rows @ random.normal(size=FEATURES) + np.sin(rows[:, 0] * 3) * 5


def write_parity(rows: Any, labels: Any, predictions: Any) -> None:
    """What evaluate.py leaves for the compile jobs. Runs in a container."""
    import numpy as np

    from container.paths import processing_input

    parity = processing_input("evaluation") / "parity"
    parity.mkdir(parents=True, exist_ok=True)
    for name, values in (("rows", rows), ("labels", labels), ("predictions", predictions)):
        np.savetxt(parity / f"{name}.csv", values, fmt="%.9g", delimiter=",")


def pack(folder: Path) -> None:
    """`model.tar.gz` of everything in a folder, inside of it."""
    members = sorted(folder.iterdir())
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        for path in members:
            archive.add(path, path.name)


def measure_native(runtime: str) -> None:
    """latency.json of the model as it was trained. Runs in a container."""
    import numpy as np

    from container import measure
    from container.footprint import footprint
    from container.paths import processing_input

    inference = importlib.import_module("inference")
    model, parity = processing_input("model"), processing_input("evaluation") / "parity"
    rows = np.genfromtxt(parity / "rows.csv", delimiter=",", dtype=np.float32)
    loaded = inference.model_fn(str(model))
    found = measure.latency(lambda some: inference.predict_fn(some, loaded), rows, runtime)
    found.update(footprint("inference", str(model), rows))
    (parity / "latency.json").write_text(json.dumps(found))
