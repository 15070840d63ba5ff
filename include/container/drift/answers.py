"""The predictions that answers carried, one for each row of the request."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from container.drift.records import Body, Record
from container.drift.rows import instances


def predictions(record: Record) -> Any:
    """``(rows,)`` float64: values, or the likeliest class where an answer has a share for each.

    Raises:
        ValueError: the answer is neither CSV of numbers nor JSON of them.
    """
    assert record.answered is not None
    rows = _numbers(record.answered)
    asked = _row_count(record.asked) if record.asked else None
    if len(rows) == 1 and asked == len(rows[0]):
        return np.array(rows[0])
    widths = {len(row) for row in rows}
    if widths == {1}:
        return np.array([row[0] for row in rows])
    if len(widths) != 1:
        raise ValueError("the rows of the answer differ in length")
    return np.array(rows).argmax(axis=1).astype(np.float64)


def _numbers(body: Body) -> list[list[float]]:
    if body.kind == "csv":
        lines = [line for line in body.text.splitlines() if line.strip()]
        return [[float(value) for value in line.split(",")] for line in lines]
    document = json.loads(body.text)
    if isinstance(document, dict):
        document = document.get("predictions", [document])
    if not isinstance(document, list):
        document = [document]
    return [_row(item) for item in document]


def _row(item: Any) -> list[float]:
    if isinstance(item, dict):
        for name in ("score", "prediction", "predicted_label", "value"):
            if name in item:
                return [float(item[name])]
        raise ValueError(f"no prediction among {', '.join(item)}")
    return [float(value) for value in item] if isinstance(item, list) else [float(item)]


def _row_count(body: Body) -> int:
    if body.kind == "csv":
        return sum(1 for line in body.text.splitlines() if line.strip())
    return len(instances(json.loads(body.text)))
