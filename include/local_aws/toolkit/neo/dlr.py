"""The part of AWS's Neo runtime that tree models use, over what the local compiler makes.

``DLRModel(path).run(array)`` as in neo-ai-dlr 1.10 (``python/dlr/api.py``), on ONNX Runtime. It is
on the path of the local Neo image alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import ArrayLike, NDArray

__version__ = "1.10.0"


class DLRError(Exception):
    """The model could not be loaded."""


class DLRModel:
    """A compiled model.

    ``model_path`` is the directory that the artefact was unpacked to; only ``dev_type`` "cpu"
    exists here.

    Raises:
        ValueError: ``model_path`` does not exist.
        DLRError: it holds no compiled model, or another device is asked for.
    """

    def __init__(
        self,
        model_path: str,
        dev_type: str | None = None,
        dev_id: int | None = None,
        error_log_file: str | None = None,
        use_default_dlr: bool = False,
    ) -> None:
        directory = Path(model_path)
        if not directory.exists():
            raise ValueError(f"model_path {model_path} doesn't exist")
        if dev_type not in (None, "cpu"):
            raise DLRError(f"device {dev_type!r}: the local runtime has 'cpu' alone")
        graph = directory / "compiled.onnx"
        if not graph.is_file():
            raise DLRError(f"No valid model files found under folder {model_path}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(graph), options, providers=["CPUExecutionProvider"]
        )
        self._features = json.loads((directory / "compiled.meta").read_text("utf-8"))["features"]

    def run(self, input_values: ArrayLike | Mapping[str, ArrayLike]) -> list[NDArray[np.float32]]:
        """One array of (rows, outputs) in a list, for an array of (rows, features); NaN is missing.

        Raises:
            ValueError: the array has not as many columns as the model has features.
        """
        if isinstance(input_values, Mapping):
            (input_values,) = input_values.values()
        rows = np.ascontiguousarray(input_values, dtype=np.float32)
        rows = rows.reshape(-1, rows.shape[-1])
        if rows.shape[1] != self._features:
            raise ValueError(f"the model has {self._features} features, the data {rows.shape[1]}")
        outputs: list[NDArray[np.float32]] = self._session.run(None, {"features": rows})
        return outputs

    def get_input_names(self) -> list[str]:
        """Names of the inputs."""
        return ["data"]

    def get_output_names(self) -> list[str]:
        """Names of the outputs."""
        return ["output"]

    def get_input_dtypes(self) -> list[str]:
        """Types of the inputs."""
        return ["float32"]

    def get_output_dtypes(self) -> list[str]:
        """Types of the outputs."""
        return ["float32"]

    def get_version(self) -> str:
        """Version of the runtime that this stands in for."""
        return __version__
