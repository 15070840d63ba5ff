"""An ONNX graph in integers of one byte: weights, and what goes into a layer.

``dynamic`` finds the range of a layer's input at each request, ``static`` once, on rows of the training split. What
comes out of a layer stays float32, so that a number is not rounded to one of 256. Both sides are unsigned: signed
weights overflow on processors without VNNI (ONNX Runtime, "Quantize ONNX models"), and predictions would depend on the
instance.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onnxruntime import quantization

from container.features import FeatureSchema
from container.onnx_names import INPUT
from container.splits import parquet_files, row_groups

LAYERS = ("MatMul", "Gemm", "Conv")
CALIBRATION_ROWS, A_BATCH = 2048, 256


def quantised(graph: bytes, kind: str, train: Path, schema: FeatureSchema) -> bytes:
    """The graph with its layers quantised; ``train`` is the training split, which ``static`` calibrates on.

    Raises:
        ValueError: the graph has no layer to quantise.
    """
    with tempfile.TemporaryDirectory() as scratch:
        plain, found = Path(scratch) / "plain.onnx", Path(scratch) / "int8.onnx"
        plain.write_bytes(graph)
        shared: dict[str, Any] = {
            "op_types_to_quantize": list(LAYERS),
            "per_channel": True,
            "weight_type": quantization.QuantType.QUInt8,
        }
        logging.getLogger().setLevel(
            logging.ERROR
        )  # it advises to optimise before, which a layer does not need
        if kind == "dynamic":
            quantization.quantize_dynamic(plain, found, **shared)
        else:
            quantization.quantize_static(
                plain,
                found,
                _Calibration(train, schema),
                activation_type=quantization.QuantType.QUInt8,
                extra_options={"OpTypesToExcludeOutputQuantization": list(LAYERS)},
                **shared,
            )
        quantised = found.read_bytes()
    if b"QuantizeLinear" not in quantised:
        raise ValueError(f"compile.int8: the graph has none of the layers {', '.join(LAYERS)}")
    return quantised


class _Calibration(quantization.CalibrationDataReader):  # type: ignore[misc, unused-ignore] # typed only where it is
    """Rows from all over the training split, in batches."""

    def __init__(self, train: Path, schema: FeatureSchema) -> None:
        self._batches = _batches(train, schema)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._batches, None)


def _batches(train: Path, schema: FeatureSchema) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows = sum(pq.read_metadata(path).num_rows for path in parquet_files(train))
    step = max(1, rows // CALIBRATION_ROWS)
    for table in row_groups(train, schema.features):
        chosen = schema.matrix(table)[::step]
        for start in range(0, len(chosen), A_BATCH):
            yield {INPUT: chosen[start : start + A_BATCH]}
