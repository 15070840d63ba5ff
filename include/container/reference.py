"""What served data are tested against: rows of the training split, and what the model says of the
test split. Both are samples, drawn with a fixed seed, of at most `ROWS` rows.

==================== =================================================================================
file                 holds
==================== =================================================================================
reference.parquet    beside the baseline's statistics.json: target and features as the float32 numbers
                     of a request (see `container.features`), NaN for what is missing
predictions.parquet  beside evaluation.json: ``prediction`` and ``label``, float64; for a model of many
                     classes the prediction is the likeliest class
==================== =================================================================================
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from container.features import FeatureSchema
from container.splits import row_groups

ROWS = 50_000
REFERENCE_FILE = "reference.parquet"
PREDICTIONS_FILE = "predictions.parquet"


def write_rows(directory: Path, train: Path, schema: FeatureSchema) -> None:
    """Sample the training split, one row group in memory at a time."""
    total = sum(table.num_rows for table in row_groups(train, [schema.target]))
    chosen, start = _choose(total), 0
    names = [schema.target, *schema.features]
    parts: list[Any] = []
    for table in row_groups(train, names):
        inside = chosen[(chosen >= start) & (chosen < start + table.num_rows)] - start
        columns = [schema.column(table, name)[inside].astype(np.float32) for name in names]
        parts.append(np.stack(columns))
        start += table.num_rows
    values = np.concatenate(parts, axis=1) if parts else np.empty((len(names), 0), np.float32)
    pq.write_table(pa.table(dict(zip(names, values, strict=True))), directory / REFERENCE_FILE)


def read_rows(directory: Path) -> dict[str, Any]:
    """The sampled columns by name, ``(rows,)`` float32.

    Raises:
        FileNotFoundError: the baseline was made without them.
    """
    path = directory / REFERENCE_FILE
    if not path.is_file():
        raise FileNotFoundError(f"no {REFERENCE_FILE} in {directory}: make the baseline again")
    table = pq.read_table(path)
    return {name: table[name].to_numpy() for name in table.column_names}


def write_predictions(directory: Path, predictions: Any, labels: Any) -> None:
    """Sample a test split's predictions, ``(rows,)`` or ``(rows, classes)``, and labels."""
    predicted = np.asarray(predictions, dtype=np.float64)
    if predicted.ndim == 2:
        predicted = predicted.argmax(axis=1).astype(np.float64)
    chosen = _choose(len(predicted))
    table = pa.table({"prediction": predicted[chosen], "label": np.asarray(labels)[chosen]})
    pq.write_table(table, directory / PREDICTIONS_FILE)


def read_predictions(directory: Path) -> tuple[Any, Any] | None:
    """Predictions and labels, ``(rows,)`` float64 each; None where there are none."""
    path = directory / PREDICTIONS_FILE
    if not path.is_file():
        return None
    table = pq.read_table(path)
    return table["prediction"].to_numpy(), table["label"].to_numpy()


def _choose(total: int) -> Any:
    if total <= ROWS:
        return np.arange(total)
    return np.sort(np.random.default_rng(0).choice(total, ROWS, replace=False))
