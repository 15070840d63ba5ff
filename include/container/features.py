"""From Parquet columns to the numbers a model sees, the same way in training, test and serving.

`FeatureSchema` is learned from the training split and travels with the model as
``features.json``. A model's row is float32 in the order of ``FeatureSchema.features``:

======================= ==========================================================================
column type             number
======================= ==========================================================================
integer, float, boolean as is (float32: whole numbers are exact up to 2**24)
date                    days since 1970-01-01
datetime                seconds since 1970-01-01T00:00 (float32 keeps about two minutes)
category                position of the value among the sorted values of the training split
======================= ==========================================================================

A missing value, and a category the training split did not hold, is NaN.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from container.splits import row_groups

FEATURES_FILE = "features.json"
NUMERIC_TYPES = ("integer", "float", "boolean", "date", "datetime", "category")

Floats: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FeatureSchema:
    """Names and order of the features, their types, the target, and the category values.

    ``types`` covers features and target; ``categories`` maps a category column to its values.
    """

    features: list[str]
    target: str
    types: dict[str, str]
    categories: dict[str, list[str]]

    @classmethod
    def learn(cls, data: Mapping[str, Any], directory: Path) -> FeatureSchema:
        """Read the schema off ``spec["data"]`` and the training split in ``directory``.

        Raises:
            ValueError: a column has a type that is no number.
        """
        columns = [*data["features"], data["target"]]
        types = {name: data["columns"][name]["type"] for name in columns}
        for name, kind in types.items():
            if kind not in NUMERIC_TYPES:
                raise ValueError(
                    f"data.columns.{name}.type is {kind}, which no model takes as a number; "
                    f"allowed for features and target: {', '.join(NUMERIC_TYPES)}"
                )
        seen: dict[str, set[str]] = {name: set() for name in columns if types[name] == "category"}
        for table in row_groups(directory, list(seen)) if seen else ():
            for name, values in seen.items():
                values.update(pc.unique(_plain(table[name]).drop_null()).to_pylist())
        categories = {name: sorted(values) for name, values in seen.items()}
        return cls(list(data["features"]), data["target"], types, categories)

    @classmethod
    def load(cls, model_dir: Path) -> FeatureSchema:
        return cls(**json.loads((model_dir / FEATURES_FILE).read_text(encoding="utf-8")))

    def save(self, model_dir: Path) -> None:
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (model_dir / FEATURES_FILE).write_text(text + "\n", encoding="utf-8")

    @property
    def columns(self) -> list[str]:
        """Features, then target."""
        return [*self.features, self.target]

    def matrix(self, table: pa.Table) -> Floats:
        """``(rows, features)`` float32, in the order of ``features``.

        Raises:
            KeyError: the table lacks a feature.
        """
        matrix = np.empty((table.num_rows, len(self.features)), dtype=np.float32)
        for position, name in enumerate(self.features):
            matrix[:, position] = self.column(table, name)
        return matrix

    def labels(self, table: pa.Table) -> npt.NDArray[np.float64]:
        """The target, ``(rows,)`` float64."""
        return self.column(table, self.target)

    def column(self, table: pa.Table, name: str) -> npt.NDArray[np.float64]:
        """One column as numbers, ``(rows,)`` float64 with NaN for what is missing."""
        if name not in table.column_names:
            raise KeyError(f"no column {name!r} among {', '.join(table.column_names)}")
        values, kind = _plain(table[name]), self.types[name]
        if kind == "category":
            values = pc.index_in(values, pa.array(self.categories[name], pa.string()))
        elif kind == "date":
            values = values.cast(pa.date32()).cast(pa.int32())
        elif kind == "datetime":
            values = pc.divide(values.cast(pa.timestamp("us")).cast(pa.int64()).cast("double"), 1e6)
        numbers = values.cast(pa.float64(), safe=False).to_numpy()
        return np.asarray(numbers, dtype=np.float64)

    def encode(self, records: Sequence[Mapping[str, Any]]) -> Floats:
        """Rows given by name, as JSON holds them (dates in ISO 8601, UTC without a zone), as ``(rows, features)``."""
        columns = {
            name: pa.array([_value(self.types[name], row.get(name)) for row in records], arrow)
            for name in self.features
            for arrow in [_ARROW_TYPES[self.types[name]]]
        }
        return self.matrix(pa.table(columns))


_ARROW_TYPES = {
    "integer": pa.float64(),
    "float": pa.float64(),
    "boolean": pa.float64(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "category": pa.string(),
}


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


def _value(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "date":
        return dt.date.fromisoformat(value)
    if kind == "datetime":
        return dt.datetime.fromisoformat(value.replace("Z", "+00:00"))  # Python 3.10 knows no Z
    return str(value) if kind == "category" else float(value)
