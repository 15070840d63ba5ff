"""Serves the network: the handlers that SageMaker's PyTorch container calls.

A request is CSV, one house per line as the numbers of ``features.json`` in their order, or JSON:
``{"instances": [...]}`` or a bare list of lists of those numbers. The answer is CSV: one price per line.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from container import capture, csv_body, scaled_network


def model_fn(model_dir: str) -> Any:
    """The network, on as many threads as ``OMP_NUM_THREADS`` says (1)."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return scaled_network.load(Path(model_dir))


@capture.request
def input_fn(data: bytes | str, content_type: str) -> Any:
    """``(rows, features)`` float32."""
    if content_type.startswith("text/csv"):
        return csv_body.rows_of(data)
    if content_type.startswith("application/json"):
        body = json.loads(data)
        instances = body["instances"] if isinstance(body, dict) else body
        return np.array(instances, dtype=np.float32, ndmin=2)
    raise ValueError(f"content type {content_type!r}; allowed: text/csv, application/json")


def predict_fn(data: Any, model: Any) -> np.ndarray[Any, Any]:
    """Prices in dollars, ``(rows,)`` float32."""
    expected = len(model.mean)
    if data.shape[1] != expected:
        raise ValueError(f"{data.shape[1]} values per row; expected {expected}")
    return np.asarray(scaled_network.predict(model, data))


@capture.response
def output_fn(prediction: np.ndarray[Any, Any], accept: str) -> tuple[str, str]:
    """CSV whatever is accepted."""
    return csv_body.text_of(prediction), "text/csv"
