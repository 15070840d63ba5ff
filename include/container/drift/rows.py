"""The rows that requests carried, as numbers, and what was wrong with them."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from container.drift.records import Body
from container.features import FeatureSchema

MISSING = ("", "nan", "NaN", "NAN", "null", "None")
BATCH_CHARACTERS = 1 << 21
BATCH_ROWS = 4096
EPOCH = dt.date(1970, 1, 1)


@dataclass
class Rows:
    """A batch of requests.

    Attributes:
        matrix: ``(rows, features)`` float64, NaN for what is missing or not to be read.
        wrong: by feature, how many values are of another type.
        unseen: by feature, categories that the schema does not know, and how often.
        widths: rows that have another number of values, and so belong to no column, by that number.
        extra: names that the schema does not know, by how many rows have them.
        absent: features that rows by name left out, by how many rows.
    """

    matrix: Any
    wrong: Counter[str] = field(default_factory=Counter)
    unseen: dict[str, Counter[str]] = field(default_factory=dict)
    widths: Counter[int] = field(default_factory=Counter)
    extra: Counter[str] = field(default_factory=Counter)
    absent: Counter[str] = field(default_factory=Counter)


class Reader:
    """Reads bodies in batches of about two million characters of CSV, or of some thousand JSON rows."""

    def __init__(self, schema: FeatureSchema) -> None:
        self._schema = schema
        self._csv: list[str] = []
        self._json: list[Any] = []
        self._size = 0

    def take(self, body: Body) -> Iterator[Rows]:
        """What is ready now.

        Raises:
            ValueError: the body is not JSON.
        """
        if body.kind == "json":
            self._json += instances(json.loads(body.text))
        else:
            self._csv.append(body.text if body.text.endswith("\n") else body.text + "\n")
            self._size += len(body.text)
        if self._size >= BATCH_CHARACTERS or len(self._json) >= BATCH_ROWS:
            yield from self.rest()

    def rest(self) -> Iterator[Rows]:
        """What is left."""
        text, self._csv, self._size = "".join(self._csv), [], 0
        given, self._json = self._json, []
        if given:
            yield self._by_value(given)
        if text.strip():
            yield self._from_csv(text)

    def _from_csv(self, text: str) -> Rows:
        names = self._schema.features
        rows, content = Rows(np.empty((0, len(names)))), text.encode(errors="replace")

        def skip(row: Any) -> str:
            rows.widths[row.actual_columns] += 1
            return "skip"

        def columns(kind: Any) -> Any:
            return pc.read_csv(
                io.BytesIO(content),
                read_options=pc.ReadOptions(
                    column_names=names, use_threads=False, block_size=len(content) + 1
                ),
                parse_options=pc.ParseOptions(invalid_row_handler=skip, quote_char=False),
                convert_options=pc.ConvertOptions(
                    column_types=dict.fromkeys(names, kind),
                    null_values=list(MISSING),
                    strings_can_be_null=True,
                ),
            )

        try:
            table = columns(pa.float64())
        except pa.ArrowInvalid:
            rows.widths.clear()
            table = columns(pa.string())
        found = [self._column(name, table[name], rows) for name in names]
        rows.matrix = np.stack(found, axis=1) if found else rows.matrix
        return rows

    def _column(self, name: str, column: Any, rows: Rows) -> Any:
        if pa.types.is_string(column.type):
            try:
                column = column.cast(pa.float64())
            except pa.ArrowInvalid:
                return np.array([self._number(name, v, rows) for v in column.to_pylist()])
        return column.to_numpy()

    def _by_value(self, given: list[Any]) -> Rows:
        names = self._schema.features
        rows, lines = Rows(np.empty((0, len(names)))), []
        for instance in given:
            if isinstance(instance, dict):
                rows.extra.update(set(instance) - set(names))
                rows.absent.update(set(names) - set(instance))
                values = [instance.get(name) for name in names]
            else:
                values = instance if isinstance(instance, list) else [instance]
                if len(values) != len(names):
                    rows.widths[len(values)] += 1
                    continue
            lines.append(
                [self._number(name, v, rows) for name, v in zip(names, values, strict=True)]
            )
        rows.matrix = np.array(lines, dtype=np.float64).reshape(-1, len(names))
        return rows

    def _number(self, name: str, value: Any, rows: Rows) -> float:
        """One value that is a number already, or as JSON and people write it."""
        if value is None:
            return math.nan
        try:
            return float(value.strip('" ') if isinstance(value, str) else value)
        except (TypeError, ValueError):
            pass
        except OverflowError:
            return math.inf
        if self._schema.types[name] == "category":
            known = self._schema.categories[name]
            if value in known:
                return float(known.index(value))
            rows.unseen.setdefault(name, Counter())[str(value)] += 1
            return math.nan
        try:
            return _moment(self._schema.types[name], value)
        except (TypeError, ValueError):
            rows.wrong[name] += 1
            return math.nan


def instances(document: Any) -> list[Any]:
    """The rows of a JSON body: ``{"instances": [...]}``, a list of rows, or one row.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(document, dict):
        document = document.get("instances", [document])
    if not isinstance(document, list):
        raise ValueError(f"{type(document).__name__} is no list of rows")
    one_row = document and not isinstance(document[0], (list, dict))
    return [document] if one_row else document


def _moment(kind: str, value: str) -> float:
    """ISO 8601 as `container.features` counts days and seconds."""
    if kind == "date":
        return float(dt.date.fromisoformat(value).toordinal() - EPOCH.toordinal())
    if kind == "datetime":
        at = dt.datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=dt.timezone.utc)).timestamp()
    raise ValueError(f"{value!r} is no {kind}")
