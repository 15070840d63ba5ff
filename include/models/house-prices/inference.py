"""Serves the house price model: the handlers that SageMaker's XGBoost container calls.

A request is CSV, one house per line as the numbers of ``features.json`` in their order, or JSON:
``{"instances": [...]}`` or a bare list, each instance a list of those numbers or an object
of raw values by feature name. The answer is CSV: a line per
house, with its price; a model of several classes gives the probability of each.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from container import capture, csv_body
from container.boosting import load_booster
from container.features import FeatureSchema


def model_fn(model_dir: str) -> tuple[Any, FeatureSchema]:
    """The booster and its feature schema."""
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    return load_booster(Path(model_dir), threads), FeatureSchema.load(Path(model_dir))


@capture.request
def input_fn(data: bytes | str, content_type: str) -> Any:
    """``(rows, features)`` float32, or a list of objects by feature name."""
    if content_type.startswith("text/csv"):
        return csv_body.rows_of(data)
    if content_type.startswith("application/json"):
        body = json.loads(data)
        instances = body["instances"] if isinstance(body, dict) else body
        by_name = instances and isinstance(instances[0], dict)
        return instances if by_name else np.array(instances, dtype=np.float32, ndmin=2)
    raise ValueError(f"content type {content_type!r}; allowed: text/csv, application/json")


def predict_fn(data: Any, model: tuple[Any, FeatureSchema]) -> np.ndarray[Any, Any]:
    """Prices in dollars, ``(rows,)`` float32; ``(rows, classes)`` of a model of several classes."""
    booster, schema = model
    rows = schema.encode(data) if isinstance(data, list) else data
    if rows.shape[1] != len(schema.features):
        raise ValueError(
            f"{rows.shape[1]} values per row; expected {len(schema.features)}: "
            f"{', '.join(schema.features)}"
        )
    return np.asarray(booster.inplace_predict(rows))


@capture.response
def output_fn(prediction: np.ndarray[Any, Any], accept: str) -> tuple[str, str]:
    """CSV whatever is accepted."""
    return csv_body.text_of(prediction), "text/csv"
