"""What Neo's XGBoost frontend takes: the model files that XGBoost 1.3.3 reads, and no others.

Both its forms are read: the binary one that 1.3.3 writes by default, and JSON, where later
versions changed the types of ``default_left`` (2.0) and added a binary JSON (UBJSON, 1.6).
That this reader and XGBoost 1.3.3 accept and refuse the same files is tested against 1.3.3.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from container import neo_export, trees

LIMIT = (
    "Neo supports XGBoost up to 1.3.3; save the model with that version, or convert it"
    " (container/neo_export.py)"
)


class InvalidModelError(Exception):
    """The file is not a model that Neo can compile."""


def read(path: Path) -> trees.Ensemble:
    """The trees in a ``.model`` file.

    Raises:
        InvalidModelError: XGBoost 1.3.3 does not read the file, or it is not a model of trees.
    """
    content = path.read_bytes()
    try:
        if content[:1] == b"{":
            return _read_json(content)
        return _read_binary(content)
    except (KeyError, ValueError, IndexError, struct.error) as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
        raise InvalidModelError(reason) from error


def _read_json(content: bytes) -> trees.Ensemble:
    if content[1:2] not in b'" \n\r\t}':
        raise ValueError(f"the file is UBJSON, which XGBoost writes since 1.6. {LIMIT}")
    model = json.loads(content)
    version = ".".join(map(str, model.get("version", [])))
    for tree in model["learner"]["gradient_booster"].get("model", {}).get("trees", []):
        if not all(isinstance(value, bool) for value in tree["default_left"]):
            raise ValueError(
                f"the file was written by XGBoost {version}: Invalid cast, from Integer to Boolean"
                f" (default_left). {LIMIT}"
            )
    return trees.from_json(model)


class _Reader:
    """Fields of a binary file, in order."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0

    def take(self, count: int) -> bytes:
        taken = self.content[self.at : self.at + count]
        if len(taken) < count:
            raise ValueError(
                f"the file ends at byte {len(self.content)} of at least {self.at + count}"
            )
        self.at += count
        return taken

    def unpack(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def string(self) -> str:
        return self.take(min(self.unpack("<Q")[0], len(self.content))).decode("latin1")

    def array(self, dtype: np.dtype[Any], count: int) -> Any:
        return np.frombuffer(self.take(dtype.itemsize * count), dtype)


def _read_binary(content: bytes) -> trees.Ensemble:
    reader = _Reader(content)
    if content[:4] == b"binf":
        reader.at = 4
    base_score, features, classes, *_ = reader.unpack(neo_export.LEARNER)
    objective, booster = reader.string(), reader.string()
    if booster not in ("gbtree", "dart", "gblinear"):
        raise ValueError("the file is not a model that XGBoost 1.3.3 reads")
    count = reader.unpack(neo_export.MODEL)[0]
    read = [_read_tree(reader) for _ in range(count)] if booster == "gbtree" else []
    outputs = reader.array(np.dtype("<i4"), count).tolist() if booster == "gbtree" else []
    return trees.from_json(
        _as_json(objective, booster, base_score, features, classes, read, outputs)
    )


def _read_tree(reader: _Reader) -> Mapping[str, Any]:
    _, count, _, _, _, leaf_vector, *_ = reader.unpack(neo_export.TREE)
    nodes = reader.array(neo_export.NODE, count)
    statistics = reader.array(neo_export.STATISTIC, count)
    if leaf_vector:
        raise ValueError("the trees have a vector in every leaf")
    return {
        "tree_param": {"size_leaf_vector": "0"},
        "left_children": nodes["left"],
        "right_children": nodes["right"],
        "split_indices": nodes["split"] & ~neo_export.DEFAULT_LEFT,
        "default_left": nodes["split"] & neo_export.DEFAULT_LEFT != 0,
        "split_conditions": nodes["value"],
        "loss_changes": statistics["gain"],
        "sum_hessian": statistics["cover"],
    }


def _as_json(
    objective: str,
    booster: str,
    base_score: float,
    features: int,
    classes: int,
    read: list[Mapping[str, Any]],
    outputs: list[int],
) -> Mapping[str, Any]:
    parameters = {"num_feature": features, "num_class": classes, "base_score": repr(base_score)}
    return {
        "learner": {
            "objective": {"name": objective},
            "gradient_booster": {
                "name": booster,
                "model": {"trees": read, "tree_info": outputs},
            },
            "learner_model_param": parameters,
        }
    }
