"""The rows that are recent: what has been asked lately and came true, or the newest rows of the test split.

Processing input ``recent``, which is there when there is a champion: ``recent.json``, which tells where captured
requests and ground truth lie beside it, and both of them (written by ``frugal.aws.recent``).

Captured requests hold numbers in the champion's form (`container.features`). They are turned back into the values
of raw data, as the challenger may number its categories differently. Whether the challenger was trained on the same
cases meanwhile cannot be told: a request has no key of the raw data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from container.drift import records, truth
from container.drift.records import Body
from container.drift.rows import Reader, instances
from container.drift.window import key_of
from container.features import FeatureSchema
from container.splits import row_groups

MOST_ROWS = 100_000
TIMES = ("date", "datetime")
FOUND = "recent.json"


class TooFew(Exception):
    """There are no such rows, or too few of them to decide anything; the message says so."""


@dataclass(frozen=True)
class Rows:
    """Rows on which models meet: those at positions ``chosen`` of the split in ``directory``, with their ``labels``,
    ``(rows,)`` float64. ``of`` says which they are."""

    of: str
    directory: Path
    labels: Any
    chosen: Any = field(default_factory=lambda: slice(None))


def captured(spec: Mapping[str, Any], given: Path, champion: FeatureSchema, scratch: Path) -> Rows:
    """The newest captured requests whose ground truth has arrived, as a split below ``scratch``.

    Raises:
        TooFew: fewer than ``evaluate.recent.min_rows``.
    """
    found = next(given.rglob(FOUND), None)
    if found is None:
        raise TooFew("no captured requests were looked for")
    told = json.loads(found.read_text(encoding="utf-8"))
    if told["problem"]:
        raise TooFew(told["problem"])
    known = truth.read(given / told["truth"], spec["data"]["target"])
    if known is None:
        raise TooFew(f"no ground truth since {told['since']}")
    matrix, labels = _matched(given / told["captured"], known, Reader(champion), champion)
    least = spec["evaluate"]["recent"]["min_rows"]
    if len(labels) < least:
        raise TooFew(
            f"{len(labels)} captured rows since {told['since']} have ground truth; {least} are needed"
        )
    scratch.mkdir(parents=True)
    pq.write_table(_raw(matrix, champion), scratch / "rows.parquet")
    of = f"{len(labels)} captured rows with ground truth since {told['since']}"
    return Rows(of, scratch, labels)


def newest(spec: Mapping[str, Any], test: Path, labels: Any) -> Rows:
    """The newest rows of the test split by date; ``labels`` are those of the whole split.

    Raises:
        TooFew: no column has a time, or fewer than ``evaluate.recent.min_rows``.
    """
    asked, columns = spec["evaluate"]["recent"], spec["data"]["columns"]
    times = [name for name, column in columns.items() if column["type"] in TIMES]
    if not times:
        raise TooFew("no column is a date or datetime by which rows are new")
    name = asked["date"] or times[0]
    moments = np.concatenate(
        [t[name].to_numpy(zero_copy_only=False) for t in row_groups(test, [name])]
    )
    moments = moments.astype("datetime64[s]")
    there = np.sort(moments[~np.isnat(moments)])
    count = int(np.ceil(asked["share"] * len(there)))
    if count < asked["min_rows"]:
        raise TooFew(f"{count} held-out rows are the newest; {asked['min_rows']} are needed")
    since = there[len(there) - count]
    chosen = np.flatnonzero(moments >= since)
    day = str(since.astype("datetime64[D]"))
    return Rows(f"{len(chosen)} held-out rows since {day}", test, labels[chosen], chosen)


def _matched(
    directory: Path, known: truth.Truth, reader: Reader, schema: FeatureSchema
) -> tuple[Any, Any]:
    """``(rows, features)`` float64 and ``(rows,)``: the newest requests that came true, as far as they can be read."""
    lines: list[str] = []
    by_name: list[Any] = []
    labels: dict[str, list[float]] = {"csv": [], "json": []}
    for record in records.read(directory) if directory.is_dir() else ():
        if record.asked is None or record.problem:
            continue
        for row, (kind, content) in enumerate(_rows(record.asked, schema)):
            label = _label(known, record.key, row) if kind else None
            if label is None:
                continue
            (lines if kind == "csv" else by_name).append(content)
            labels[kind].append(label)
    batches = [*reader.take(Body("csv", "\n".join(lines[-MOST_ROWS:])))] if lines else []
    batches += reader.rest()
    if by_name:
        batches += reader.take(Body("json", json.dumps(by_name[-MOST_ROWS:])))
        batches += reader.rest()
    matrix = np.concatenate(
        [np.empty((0, len(schema.features))), *(batch.matrix for batch in batches)]
    )
    return matrix, np.array([*labels["csv"][-MOST_ROWS:], *labels["json"][-MOST_ROWS:]])


def _rows(body: Body, schema: FeatureSchema) -> Iterator[tuple[str, Any]]:
    """Each row of a request with its kind; one of another width than the model's has the kind ""."""
    width = len(schema.features)
    if body.kind == "csv":
        for line in body.text.splitlines():
            if line.strip():
                yield ("csv" if line.count(",") == width - 1 else ""), line
        return
    try:
        found = instances(json.loads(body.text))
    except ValueError:
        return
    for row in found:
        fits = isinstance(row, dict) or (isinstance(row, list) and len(row) == width)
        yield ("json" if fits else ""), row


def _label(known: truth.Truth, key: str, row: int) -> float | None:
    wanted = key_of(key, row)
    place = int(np.searchsorted(known.keys, wanted))
    if place == len(known.keys) or known.keys[place] != wanted:
        return None
    return float(known.labels[place])


def _raw(matrix: Any, schema: FeatureSchema) -> pa.Table:
    """The columns as the raw data has them."""
    return pa.table({n: _column(schema, n, matrix[:, at]) for at, n in enumerate(schema.features)})


def _column(schema: FeatureSchema, name: str, numbers: Any) -> pa.Array:
    kind, missing = schema.types[name], ~np.isfinite(numbers)
    whole = np.where(missing, 0, numbers)
    if kind == "category":
        known = schema.categories[name]
        missing |= (whole < 0) | (whole >= len(known))
        places = np.where(missing, 0, whole).astype(int)
        return pa.array([known[at] if known else "" for at in places], pa.string(), mask=missing)
    if kind == "date":
        return pa.array(whole.astype(np.int32), pa.int32(), mask=missing).cast(pa.date32())
    if kind == "datetime":
        moments = np.round(whole * 1e6).astype(np.int64)
        return pa.array(moments, pa.int64(), mask=missing).cast(pa.timestamp("us"))
    return pa.array(whole, pa.float64(), mask=missing)
