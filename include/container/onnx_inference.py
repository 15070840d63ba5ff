"""Script-mode handlers that serve ``model.onnx`` in AWS's XGBoost image; see ``compile_onnx``.

It travels in the model's archive as ``code/inference.py``, beside the requirements that bring ONNX Runtime
into the image and the modules of this package that capture needs.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from container import capture, csv_body


def model_fn(model_dir: str) -> onnxruntime.InferenceSession:
    """A session on ``model.onnx``, with as many threads as ``OMP_NUM_THREADS`` says (1)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(Path(model_dir) / "model.onnx", options)


@capture.request
def input_fn(data: str | bytes, content_type: str) -> NDArray[np.float32]:
    """``text/csv`` rows of numbers in the order of ``features.json``; empty or ``nan`` is missing.

    Raises:
        ValueError: another content type, or a field that is not a number.
    """
    if content_type.split(";", maxsplit=1)[0].strip() != "text/csv":
        raise ValueError(f"Content-Type {content_type}: send text/csv")
    rows: NDArray[np.float32] = csv_body.rows_of(data)
    return rows


def predict_fn(rows: NDArray[np.float32], model: Any) -> NDArray[np.float32]:
    """Predictions (rows,), or (rows, classes) for a model with a probability per class."""
    predictions: NDArray[np.float32] = model.run(None, {"features": rows})[0]
    return predictions[:, 0] if predictions.shape[1] == 1 else predictions


@capture.response
def output_fn(predictions: NDArray[np.float32], accept: str) -> tuple[str, str]:
    """A line per row as ``text/csv``, or a JSON array.

    Raises:
        ValueError: another type is asked for.
    """
    if accept == "text/csv":
        return csv_body.text_of(predictions), accept
    if accept == "application/json":
        return json.dumps(predictions.tolist()), accept
    raise ValueError(f"Accept {accept}: ask for text/csv or application/json")
