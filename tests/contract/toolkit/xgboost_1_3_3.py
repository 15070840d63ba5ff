"""Loads models with XGBoost 1.3.3's own library, and predicts; run as a program.

    python xgboost_1_3_3.py <libxgboost.so> <model file> [<rows .npy> <expected predictions .npy>]

Prints by how much the predictions differ at most from those expected. Exit code 1, with the library's reason, when it
does not read the model. The library is called through C: the Python package of that version does not work with later
numpy.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import numpy as np


class Library:
    """The few C functions that are needed; a failing one raises ``ValueError``."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        self._library.XGBGetLastError.restype = ctypes.c_char_p

    def call(self, name: str, *arguments: Any) -> None:
        if getattr(self._library, name)(*arguments):
            raise ValueError(self._library.XGBGetLastError().decode().splitlines()[0])


def main(library: str, model: str, rows: str = "", expected: str = "") -> None:
    """Load ``model``; compare its predictions of ``rows`` when given."""
    xgboost, booster = Library(library), ctypes.c_void_p()
    xgboost.call("XGBoosterCreate", None, ctypes.c_uint64(0), ctypes.byref(booster))
    xgboost.call("XGBoosterLoadModel", booster, model.encode())
    if not rows:
        return
    data = np.ascontiguousarray(np.load(rows), np.float32)
    matrix = ctypes.c_void_p()
    xgboost.call(
        "XGDMatrixCreateFromMat",
        data.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
        *map(ctypes.c_uint64, data.shape),
        ctypes.c_float(float("nan")),
        ctypes.byref(matrix),
    )
    count, result = ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
    xgboost.call(
        "XGBoosterPredict",
        *(booster, matrix, 0, 0, 0),
        *(ctypes.byref(count), ctypes.byref(result)),
    )
    found = np.ctypeslib.as_array(result, (count.value,))
    wanted = np.load(expected)
    print(float(abs(found.reshape(wanted.shape) - wanted).max()))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
