"""One window of captured traffic, column by column, in bounded memory."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from container.drift import answers, records
from container.drift.rows import Reader, Rows
from container.drift.sample import Sample
from container.features import FeatureSchema
from container.kll import Sketch
from container.moments import Moments

DISTINCT = 1000
"""How many unknown categories, names or problems are told apart."""

LARGEST = float(np.finfo(np.float32).max)


class Column(Moments):
    """A number column: every value as float32 until `compress`, a sketch from then on."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[Any] = []
        self._sorted = False
        self._sketch: Sketch | None = None
        self.wrong = 0

    def take(self, column: Any) -> None:
        """Take values in, float64 with NaN for missing; what float32 cannot hold counts as wrong."""
        infinite = np.abs(column) > LARGEST
        if infinite.any():
            self.wrong += int(infinite.sum())
            column = np.where(infinite, np.nan, column)
        values = self.add(column)
        self._sorted = False
        if self._sketch is None:
            self._parts.append(values.astype(np.float32))
        else:
            self._sketch.update(values)

    @property
    def size(self) -> int:
        """Bytes that the values take."""
        return sum(part.nbytes for part in self._parts)

    def compress(self) -> None:
        """Let a sketch stand for the values."""
        self._sketch = self.sketch()
        self._parts = []

    def sketch(self) -> Sketch:
        if self._sketch is not None:
            return self._sketch
        sketch = Sketch()
        for part in self._parts:
            sketch.update(part)
        return sketch

    def sample(self) -> Sample:
        """The values in order; they are sorted once and kept so."""
        if self._sketch is not None:
            return Sample.sketched(self._sketch)
        if len(self._parts) != 1 or not self._sorted:
            sample = Sample.of(np.concatenate([np.empty(0, np.float32), *self._parts]))
            self._parts, self._sorted = [sample.values], True
        return Sample(self._parts[0], None, len(self._parts[0]))


class CategoryColumn:
    """A category column: how often each known category came, and what else did."""

    def __init__(self, known: list[str]) -> None:
        self.known = known
        self.counts = np.zeros(len(known), dtype=np.int64)
        self.unseen: Counter[str] = Counter()
        self.missing = self.wrong = 0

    def take(self, column: Any) -> None:
        """Take positions among the known categories in, NaN for missing."""
        there = column[~np.isnan(column)]
        self.missing += len(column) - len(there)
        fits = (there >= 0) & (there < len(self.known)) & (there == np.floor(there))
        self.counts += np.bincount(there[fits].astype(int), minlength=len(self.known))
        self.note(Counter(f"position {value:g}" for value in there[~fits].tolist()))

    def note(self, unseen: Counter[str]) -> None:
        """Count categories that are not known, beyond `DISTINCT` of them all others as one."""
        _count(self.unseen, unseen)

    @property
    def present(self) -> int:
        return int(self.counts.sum()) + self.unseen.total()


class Window:
    """What was asked and answered. ``columns`` are the features, in order; ``predictions`` are all
    answers."""

    def __init__(self, schema: FeatureSchema, memory_mib: float) -> None:
        self.schema = schema
        self.columns: dict[str, Column | CategoryColumn] = {
            name: CategoryColumn(schema.categories[name])
            if schema.types[name] == "category"
            else Column()
            for name in schema.features
        }
        self.predictions = Column()
        self.rows = self.records = 0
        self.exact = True
        self.widths: Counter[int] = Counter()
        self.extra: Counter[str] = Counter()
        self.absent: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()
        self.first, self.last = "", ""
        self._budget = memory_mib * 2**20
        self._answers: list[float] = []

    @classmethod
    def read(
        cls,
        directory: Path,
        schema: FeatureSchema,
        memory_mib: float,
        wanted: Any = None,
        between: tuple[str, str] | None = None,
    ) -> tuple[Window, Any]:
        """Read every record below a directory.

        Args:
            wanted: the keys, ``(n,)`` int64 and ascending, of the predictions to hand back.
            between: ISO 8601 in UTC; records of another inference time are passed over.

        Returns:
            The window, and ``(m, 2)``: position in ``wanted``, prediction.
        """
        window, reader, matched = cls(schema, memory_mib), Reader(schema), array("d")
        for record in records.read(directory):
            if between and record.at and not between[0] <= record.at < between[1]:
                continue
            window.records += 1
            if record.problem:
                window._problem(record.problem)
                continue
            if record.at:
                window.first = min(window.first or record.at, record.at)
                window.last = max(window.last, record.at)
            try:
                for rows in reader.take(record.asked) if record.asked else ():
                    window.take(rows)
                if record.answered:
                    matched.extend(window._answer(record, wanted))
            except (ValueError, KeyError) as error:
                window._problem(f"{type(error).__name__}: {error}")
            if len(window._answers) >= 1 << 16:
                window._flush()
        for rows in reader.rest():
            window.take(rows)
        window._flush()
        return window, np.array(matched).reshape(-1, 2)

    def take(self, rows: Rows) -> None:
        """Take a batch in."""
        self.rows += len(rows.matrix)
        self.widths += rows.widths
        _count(self.extra, rows.extra)
        self.absent += rows.absent
        for position, (name, column) in enumerate(self.columns.items()):
            column.take(rows.matrix[:, position])
            column.wrong += rows.wrong[name]
            if isinstance(column, CategoryColumn) and name in rows.unseen:
                column.note(rows.unseen[name])
                column.missing -= rows.unseen[name].total()
        self._stay_within_memory()

    def _answer(self, record: records.Record, wanted: Any) -> list[float]:
        """Take predictions in; the position in ``wanted`` and the prediction, of each that is there."""
        found = answers.predictions(record)
        self._answers.extend(found.tolist())
        if wanted is None or not len(wanted):
            return []
        keys = np.array([key_of(record.key, row) for row in range(len(found))])
        places = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
        inside = wanted[places] == keys
        pairs: list[float] = np.stack([places[inside], found[inside]], axis=1).ravel().tolist()
        return pairs

    def _flush(self) -> None:
        self.predictions.take(np.array(self._answers, dtype=np.float64))
        self._answers.clear()
        self._stay_within_memory()

    def _problem(self, problem: str) -> None:
        _count(self.problems, {problem: 1})

    def _stay_within_memory(self) -> None:
        numbers = [c for c in (*self.columns.values(), self.predictions) if isinstance(c, Column)]
        if self.exact and sum(column.size for column in numbers) > self._budget:
            self.exact = False
            for column in numbers:
                column.compress()


def key_of(key: str, row: int) -> int:
    """Where a prediction and its truth meet: a hash of the record's id and the row in it."""
    return hash((key, row))


def _count(into: Counter[str], found: Mapping[str, int]) -> None:
    for name, count in found.items():
        room = name in into or len(into) < DISTINCT
        into[name if room else "others"] += count
