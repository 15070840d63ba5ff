"""Judges a trained model on the test split: against a floor, and against the champion.

Processing inputs: ``code``, ``test`` (Parquet), ``model`` (model.tar.gz) and, when there is a
champion, ``champion`` (its model.tar.gz) and ``champion-code`` (the archive of the code published
with it). Output ``evaluation``::

    evaluation.json          metrics, the champion's on the same rows, won or not, and why
    predictions.parquet      predictions and labels that drift is measured against (`reference`)
    parity/rows.csv          up to 2000 test rows as the endpoint takes them, without header
    parity/labels.csv        the target of each
    parity/predictions.csv   what the model answers to them
    parity/latency.json      how fast, on one thread, and what it needs (`measure`, `footprint`)
    portable/model.tar.gz    the model in the form that Neo compiles, if that can hold it
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from container import archives, boosting, measure, metrics, neo_export, reference, scoring
from container.footprint import footprint
from container.paths import (
    code_dir,
    load_spec,
    processing_input,
    processing_output,
    write_exit_message,
)
from container.splits import row_groups

PARITY_ROWS = 2000


@dataclass(frozen=True)
class Verdict:
    won: bool
    reason: str


def judge(
    metric: str, value: float, floor: float, champion: float | None, must_beat: bool
) -> Verdict:
    """The gate. A tie goes to the challenger: the same data and code give the same model, and what
    changed (how it is compiled or served) is to reach the endpoint."""
    shown = f"{metric} {value:.6g}"
    if not math.isfinite(value):
        return Verdict(False, f"{metric} is {value}, not a number to compare")
    if metrics.better(metric, floor, value):
        return Verdict(False, f"{shown} is worse than the floor of {floor:.6g}")
    within = f"{shown} is within the floor of {floor:.6g}"
    if champion is None:
        return Verdict(True, f"{within}, and there is no champion to beat")
    if value == champion:
        return Verdict(True, f"{shown} equals the champion's")
    if metrics.better(metric, value, champion):
        return Verdict(True, f"{shown} beats the champion's {champion:.6g}")
    if not must_beat:
        return Verdict(True, f"{within}; it need not beat the champion's {champion:.6g}")
    return Verdict(False, f"{shown} does not beat the champion's {champion:.6g}")


def main() -> None:
    """Write the evaluation.

    Raises:
        ValueError: the metric is not defined on the test split, or the model is to be compiled by
            Neo and cannot be.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    spec = load_spec()
    output = processing_output("evaluation")
    test = processing_input("test")
    with tempfile.TemporaryDirectory() as scratch:
        model_dir = _unpack(processing_input("model"), Path(scratch) / "model")
        sys.path.insert(0, str(code_dir()))
        challenger = scoring.Scorer(model_dir)
        labels = np.concatenate(
            [challenger.schema.labels(t) for t in row_groups(test, [challenger.schema.target])]
        )
        metric, floor = spec["evaluate"]["metric"], spec["evaluate"]["floor"]
        predictions = challenger.score(test)
        reference.write_predictions(output, predictions, labels)
        measured = metrics.compute(metric, labels, predictions)
        champion, problem = _champion(metric, test, labels, Path(scratch))
        verdict = judge(
            metric,
            measured[metric],
            floor,
            champion["value"] if champion else None,
            spec["evaluate"]["must_beat_champion"],
        )
        rows = _write_parity(challenger, test, output / "parity")
        timings = measure.latency(challenger.predict, rows, boosting.RUNTIME)
        timings.update(footprint("inference", str(model_dir), rows))
        (output / "parity" / "latency.json").write_text(json.dumps(timings, indent=2) + "\n")
        portable = _write_portable(model_dir, spec["compile"]["backend"], output / "portable")
    reason = verdict.reason + (f" (a champion exists but {problem})" if problem else "")
    evaluation = {
        "metric": metric,
        "value": measured[metric],
        "floor": floor,
        "metrics": measured,
        "champion": champion,
        "champion_problem": problem,
        "won": verdict.won,
        "reason": reason,
        "rows": len(labels),
        "portable_problem": portable,
    }
    (output / "evaluation.json").write_text(json.dumps(evaluation, indent=2) + "\n")
    print(json.dumps(evaluation), flush=True)


def _champion(
    metric: str, test: Path, labels: Any, scratch: Path
) -> tuple[dict[str, Any] | None, str | None]:
    """The champion's metrics on the same rows, or why there are none."""
    archive, source = processing_input("champion"), processing_input("champion-code")
    if not archive.is_dir():
        return None, None
    try:
        model_dir = _unpack(archive, scratch / "champion")
        code = _unpack(source, scratch / "champion-code")
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        return None, f"could not be unpacked: {error}"
    predictions = scratch / "champion.npy"
    finished = subprocess.run(
        [sys.executable, scoring.__file__, str(code), str(model_dir), str(test), str(predictions)],
        env={**os.environ, "PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
    )
    if finished.returncode:
        lines = finished.stderr.strip().splitlines() or [f"exit status {finished.returncode}"]
        return None, f"could not be scored: {lines[-1]}"
    predicted = np.load(predictions)
    if len(predicted) != len(labels) or not np.isfinite(predicted).all():
        return None, "could not be scored: its predictions are incomplete or not finite"
    measured = metrics.compute(metric, labels, predicted)
    return {"value": measured[metric], "metrics": measured}, None


def _write_parity(model: scoring.Scorer, test: Path, directory: Path) -> Any:
    """The rows that were kept, (n, features) float32."""
    directory.mkdir(parents=True, exist_ok=True)
    collected: list[Any] = []
    labels: list[Any] = []
    for table in row_groups(test, [*model.schema.features, model.schema.target]):
        part = table.slice(0, PARITY_ROWS - _count(collected))
        collected.append(model.schema.matrix(part))
        labels.append(model.schema.labels(part))
        if _count(collected) >= PARITY_ROWS:
            break
    rows = np.concatenate(collected)
    np.savetxt(directory / "rows.csv", rows, fmt="%.9g", delimiter=",")
    np.savetxt(directory / "labels.csv", np.concatenate(labels), fmt="%.9g")
    np.savetxt(directory / "predictions.csv", model.predict(rows), fmt="%.9g", delimiter=",")
    return rows


def _write_portable(model_dir: Path, backend: str, directory: Path) -> str | None:
    """Why there is no portable form, or None when it is written."""
    directory.mkdir(parents=True, exist_ok=True)
    try:
        neo_export.export(boosting.load_booster(model_dir), directory / "model.tar.gz")
    except (ValueError, FileNotFoundError) as error:
        if backend == "neo":
            raise ValueError(
                f"compile.backend is neo, but this model cannot be: {error}"
            ) from error
        return str(error)
    return None


def _count(matrices: list[Any]) -> int:
    return sum(len(matrix) for matrix in matrices)


def _unpack(source: Path, target: Path) -> Path:
    """Unpack the one archive in ``source``."""
    found = sorted(source.glob("*.tar.gz"))
    if len(found) != 1:
        raise FileNotFoundError(f"expected one .tar.gz in {source}, found {len(found)}")
    archives.extract(str(found[0]), str(target))
    return target


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        write_exit_message(f"{type(error).__name__}: {error}")
        raise
