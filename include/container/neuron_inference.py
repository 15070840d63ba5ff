# ruff: noqa: UP006, UP035 - served in AWS's image of PyTorch 1.9 for Inf1 too: Python 3.8
"""Script-mode handlers that serve a network on Inferentia; see ``trace_network``.

A graph for Inferentia takes one number of rows only: requests are cut into such batches, the last one filled up.
Nothing is captured here: AWS's own data capture does that. Not verified on AWS.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any, Tuple

import numpy as np

from container import csv_body, neuron_serving

RUNTIMES = ("torch_neuronx", "torch_neuron")


def model_fn(model_dir: str) -> Tuple[Any, int]:
    """The graph, and how many rows it takes.

    Raises:
        RuntimeError: there is no Neuron runtime.
        FileNotFoundError: not exactly one graph.
    """
    import torch

    runtimes = [name for name in RUNTIMES if importlib.util.find_spec(name)]
    if not runtimes:
        raise RuntimeError(
            "no Neuron runtime (" + " or ".join(RUNTIMES) + "): not an Inferentia image"
        )
    importlib.import_module(runtimes[0])
    found = sorted([*Path(model_dir).glob("*.pt"), *Path(model_dir).glob("*.pth")])
    if len(found) != 1:
        raise FileNotFoundError("expected one graph, found " + str([path.name for path in found]))
    return torch.jit.load(str(found[0])), neuron_serving.batch_rows(Path(model_dir))


def input_fn(data: Any, content_type: str) -> Any:
    """``text/csv`` rows of numbers in the order of ``features.json``; empty or ``nan`` is missing.

    Raises:
        ValueError: another content type, or a field that is not a number.
    """
    if content_type.split(";", 1)[0].strip() != "text/csv":
        raise ValueError("Content-Type " + content_type + ": send text/csv")
    return csv_body.rows_of(data)


def predict_fn(rows: Any, model: Any) -> Any:
    """Predictions (rows,), or (rows, classes) for a network with a probability per class."""
    graph, batch_rows = model
    return in_batches(graph, rows, batch_rows)


def output_fn(predictions: Any, accept: str) -> Tuple[str, str]:
    """A line per row as ``text/csv``, whatever is accepted."""
    return csv_body.text_of(predictions), "text/csv"


def in_batches(graph: Any, rows: Any, batch_rows: int) -> Any:
    """What ``graph`` makes of rows (n, features), ``batch_rows`` at a time: (n,) or (n, outputs) float32."""
    import torch

    found = []
    for start in range(0, len(rows), batch_rows):
        some = np.asarray(rows[start : start + batch_rows], np.float32)
        filled = np.zeros((batch_rows, some.shape[1]), np.float32)
        filled[: len(some)] = some
        with torch.no_grad():
            found.append(graph(torch.from_numpy(filled)).numpy()[: len(some)])
    predictions = np.concatenate(found)
    return predictions[:, 0] if predictions.shape[1] == 1 else predictions
