"""Judges a trained model: on the test split against a floor, there and on recent rows against the champion.

Processing inputs: ``code``, ``test`` (Parquet), ``model`` (model.tar.gz) and, when there is a
champion, ``champion`` (its model.tar.gz), ``champion-code`` (the archive of the code published
with it) and ``recent`` (see `recent`). Output ``evaluation``::

    evaluation.json          metrics, the champion's on the same rows (see `contest`), won or not, and why
    predictions.parquet      predictions and labels that drift is measured against (`reference`)
    parity/rows.csv          up to 2000 test rows as the endpoint takes them, without header
    parity/labels.csv        the target of each
    parity/predictions.csv   what the model answers to them
    parity/latency.json      how fast, on one thread, and what it needs (`measure`, `footprint`)
    portable/model.tar.gz    the model in the form that Neo compiles, if that can hold it
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from container import frameworks, measure, metrics, reference, scoring
from container.contest import compete, unpack
from container.footprint import footprint
from container.paths import (
    code_dir,
    load_spec,
    processing_input,
    processing_output,
    write_exit_message,
)
from container.recent import Rows
from container.splits import row_groups

PARITY_ROWS = 2000


def main() -> None:
    """Write the evaluation.

    Raises:
        ValueError: the metric is not defined on the test split, or the model is to be compiled by
            Neo and cannot be.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    spec = load_spec()
    framework = frameworks.of(spec)
    output = processing_output("evaluation")
    test = processing_input("test")
    with tempfile.TemporaryDirectory() as scratch:
        model_dir = unpack(processing_input("model"), Path(scratch) / "model")
        sys.path.insert(0, str(code_dir()))
        challenger = scoring.Scorer(model_dir)
        labels = np.concatenate(
            [challenger.schema.labels(t) for t in row_groups(test, [challenger.schema.target])]
        )
        metric = spec["evaluate"]["metric"]
        predictions = challenger.score(test)
        reference.write_predictions(output, predictions, labels)
        measured = metrics.compute(metric, labels, predictions)
        on_test = Rows("the test split", test, labels)
        contest = compete(spec, challenger, on_test, predictions, Path(scratch))
        rows = _write_parity(challenger, test, output / "parity")
        timings = measure.latency(challenger.predict, rows, framework.RUNTIME)
        timings.update(footprint("inference", str(model_dir), rows))
        (output / "parity" / "latency.json").write_text(json.dumps(timings, indent=2) + "\n")
        portable = _write_portable(framework, model_dir, spec["compile"]["backend"], output)
    evaluation = {
        "metric": metric,
        "value": measured[metric],
        "floor": spec["evaluate"]["floor"],
        "metrics": measured,
        **contest,
        "rows": len(labels),
        "portable_problem": portable,
    }
    (output / "evaluation.json").write_text(json.dumps(evaluation, indent=2) + "\n")
    print(json.dumps(evaluation), flush=True)


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


def _write_portable(framework: Any, model_dir: Path, backend: str, output: Path) -> str | None:
    """Why there is no portable form, or None when it is written."""
    (output / "portable").mkdir(parents=True, exist_ok=True)
    try:
        framework.portable(model_dir, output / "portable" / "model.tar.gz")
    except (ValueError, FileNotFoundError) as error:
        if backend == "neo":
            raise ValueError(
                f"compile.backend is neo, but this model cannot be: {error}"
            ) from error
        return str(error)
    return None


def _count(matrices: list[Any]) -> int:
    return sum(len(matrix) for matrix in matrices)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        write_exit_message(f"{type(error).__name__}: {error}")
        raise
