"""A network as an ONNX graph, for ONNX Runtime."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch

from container.onnx_names import INPUT, OUTPUT

OPSET = 17
"""Written as IR version 8: every ONNX Runtime from 1.13 on runs it, and those that serve are newer."""


def to_onnx(network: Any) -> bytes:
    """The graph ``features`` (rows, features) -> ``prediction`` (rows, outputs), both float32.

    Exported by tracing, so that a ``forward`` that branches on values is not held as it is.

    Raises:
        ValueError: PyTorch cannot export an operation; the text says which.
    """
    rows = torch.zeros(2, len(network.mean))
    axes = {INPUT: {0: "rows"}, OUTPUT: {0: "rows"}}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        path = Path(scratch) / "model.onnx"
        try:
            torch.onnx.export(
                network.eval(),
                (rows,),
                path,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
        except (torch.onnx.OnnxExporterError, RuntimeError) as error:
            raise ValueError(f"PyTorch cannot export the network to ONNX: {error}") from error
        return path.read_bytes()
