"""What the raw data must look like, in Arrow's terms.

The column types of model.yaml and what they become: integer int64, float float64, boolean bool,
string string, category dictionary<int32, string>, date date32, datetime timestamp[us].
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

ARROW_TYPES: dict[str, Any] = {
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "category": pa.dictionary(pa.int32(), pa.string()),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
}

NULL_VALUES = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""Spellings of a missing value; in string and category columns only the empty one."""

BOOLEANS = {
    True: ("true", "True", "TRUE", "1", "t", "T", "yes", "Yes", "YES", "y", "Y"),
    False: ("false", "False", "FALSE", "0", "f", "F", "no", "No", "NO", "n", "N"),
}

DELIMITERS = (";", "\t", "|", ",")
"""Those that people use, for a hint."""

_ISO_FORMATS = {
    "date": {None, "%Y-%m-%d"},
    "datetime": {None, "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"},
}


class SchemaError(Exception):
    """The raw data cannot be what the specification describes; the message says where and why."""


@dataclass(frozen=True)
class Bound:
    """The least or greatest value allowed, as a number (days or microseconds since 1970-01-01 for
    dates and datetimes, which specifications may give as ISO 8601 text) and as it was given."""

    value: float
    text: str


@dataclass(frozen=True)
class Column:
    """One column of the specification; ``values`` are spelled as in the CSV."""

    name: str
    kind: str
    required: bool
    minimum: Bound | None
    maximum: Bound | None
    values: tuple[str, ...] | None
    format: str | None

    @property
    def type(self) -> Any:
        """The Arrow type of the converted column."""
        return ARROW_TYPES[self.kind]

    @property
    def textual(self) -> bool:
        return self.kind in ("string", "category")

    @property
    def custom_format(self) -> str | None:
        """The strptime format, where the values are not ISO 8601."""
        iso = _ISO_FORMATS.get(self.kind, {self.format})
        return None if self.format in iso else self.format


@dataclass(frozen=True)
class Schema:
    """The columns to keep, in order, and the roles that some of them have."""

    columns: tuple[Column, ...]
    target: str
    key: tuple[str, ...]
    split_by: tuple[str, ...]
    delimiter: str

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def check_header(self, header: list[str], file: str) -> list[str]:
        """Compare a file's header with the specification.

        Returns:
            The header's columns that the specification does not name; they are dropped.

        Raises:
            SchemaError: a column of the specification is missing or named twice.
        """
        twice = [name for name in self.names if header.count(name) > 1]
        if twice:
            raise SchemaError(f"{file}, row 1: the header names {_listed(twice)} more than once")
        missing = [name for name in self.names if name not in header]
        if missing:
            guesses = {
                close[0]
                for name in missing
                for close in [_closest(name, [h for h in header if h not in self.names])]
                if close
            }
            hint = f"; did the raw data rename it to {_listed(sorted(guesses))}?" if guesses else ""
            if len(header) == 1:
                found = [
                    f'; is data.delimiter "{mark}"?' for mark in DELIMITERS if mark in header[0]
                ]
                hint = "".join(found[:1])
            raise SchemaError(
                f"{file}, row 1: column {_listed(missing)} of data.columns is missing from the "
                f"header, which has {_listed(header)}{hint}"
            )
        return [name for name in header if name not in self.names]


def schema_from_spec(spec: dict[str, Any]) -> Schema:
    """Read the ``data`` part of spec.json."""
    data = spec["data"]
    key = tuple(data.get("key") or ())
    split_by = tuple(data["split"]["by"])
    needed = {data["target"], *key, *split_by}
    columns = tuple(
        Column(
            name=name,
            kind=given["type"],
            required=bool(given.get("required")) or name in needed,
            minimum=_bound(given.get("min"), given["type"]),
            maximum=_bound(given.get("max"), given["type"]),
            values=None if given.get("values") is None else tuple(map(str, given["values"])),
            format=given.get("format"),
        )
        for name, given in data["columns"].items()
    )
    return Schema(columns, data["target"], key, split_by, data.get("delimiter") or ",")


def _bound(given: Any, kind: str) -> Bound | None:
    if given is None:
        return None
    if isinstance(given, str) and kind in _ISO_FORMATS:
        unit = "D" if kind == "date" else "us"
        return Bound(int(np.datetime64(given, unit).astype(np.int64)), given)
    return Bound(float(given), f"{float(given):.15g}")


def _closest(name: str, among: list[str]) -> list[str]:
    folded = {other.strip().casefold(): other for other in among}
    return [folded[m] for m in difflib.get_close_matches(name.casefold(), folded, 1, 0.8)]


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
