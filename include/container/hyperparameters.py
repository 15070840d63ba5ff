"""Hyperparameters as script mode passes them: ``--name value ...``, values JSON where they can be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def read_pairs(arguments: Sequence[str]) -> dict[str, Any]:
    """Values by name.

    Raises:
        ValueError: the arguments are no such pairs.
    """
    names, values = arguments[::2], arguments[1::2]
    if len(names) != len(values) or not all(name.startswith("--") for name in names):
        raise ValueError(f"expected --name value pairs, got: {' '.join(arguments)}")
    return {name[2:]: _decoded(value) for name, value in zip(names, values, strict=True)}


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
