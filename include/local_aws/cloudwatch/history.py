"""Metrics on disk: one row for each bucket, in a SQLite file of its own."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from local_aws.cloudwatch.distribution import Distribution
from local_aws.cloudwatch.metric import Metric
from local_aws.cloudwatch.series import Place, Tier

_SCHEMA = """
CREATE TABLE IF NOT EXISTS metrics (
  id INTEGER PRIMARY KEY, metric TEXT NOT NULL, unit TEXT NOT NULL, UNIQUE (metric, unit)
);
CREATE TABLE IF NOT EXISTS buckets (
  metric INTEGER NOT NULL, width REAL NOT NULL, place INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (metric, width, place)
) WITHOUT ROWID;
"""


class History:
    """What `Metrics` writes and reads back."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._lock = threading.Lock()
        self._ids: dict[tuple[str, str], int] = {
            (metric, unit): number
            for number, metric, unit in self._db.execute("SELECT id, metric, unit FROM metrics")
        }

    def has(self, kept: tuple[Tier, ...]) -> bool:
        """Whether all rows are buckets of these tiers, as they are unless the clock was changed."""
        widths = {row[0] for row in self._db.execute("SELECT DISTINCT width FROM buckets")}
        return widths <= {tier.width for tier in kept}

    def load(self) -> Iterator[tuple[Metric, str, float, Distribution]]:
        """(metric, unit, middle of the bucket, values) of every row."""
        names = {number: key for key, number in self._ids.items()}
        rows = self._db.execute("SELECT metric, width, place, body FROM buckets")
        for number, width, place, body in rows:
            text, unit = names[number]
            region, namespace, name, pairs = json.loads(text)
            metric = Metric(region, namespace, name, tuple((key, value) for key, value in pairs))
            values = Distribution.from_json(json.loads(body))
            yield metric, unit, (place + 0.5) * width, values

    def clear(self) -> None:
        """Delete all buckets: they are about to be written with other widths."""
        with self._lock, self._db:
            self._db.execute("DELETE FROM buckets")

    def write(
        self,
        kept: tuple[Tier, ...],
        rows: Sequence[tuple[Metric, str, Place, list[Any] | None]],
    ) -> None:
        """Write the buckets that changed; those without values are gone."""
        if not rows:
            return
        with self._lock, self._db:
            for metric, unit, (tier, index), body in rows:
                where = (self._id(metric, unit), kept[tier].width, index)
                if body is None:
                    self._db.execute(
                        "DELETE FROM buckets WHERE metric=? AND width=? AND place=?", where
                    )
                else:
                    text = json.dumps(body, separators=(",", ":"))
                    self._db.execute(
                        "INSERT OR REPLACE INTO buckets VALUES (?, ?, ?, ?)", (*where, text)
                    )

    def forget(self, metric: Metric) -> None:
        """Delete a metric and all its buckets."""
        text = _text(metric)
        with self._lock, self._db:
            for key in [key for key in self._ids if key[0] == text]:
                number = self._ids.pop(key)
                self._db.execute("DELETE FROM buckets WHERE metric=?", (number,))
                self._db.execute("DELETE FROM metrics WHERE id=?", (number,))

    def close(self) -> None:
        self._db.close()

    def _id(self, metric: Metric, unit: str) -> int:
        key = (_text(metric), unit)
        if key not in self._ids:
            cursor = self._db.execute("INSERT INTO metrics (metric, unit) VALUES (?, ?)", key)
            self._ids[key] = int(cursor.lastrowid or 0)
        return self._ids[key]


def _text(metric: Metric) -> str:
    return json.dumps([metric.region, metric.namespace, metric.name, metric.dimensions])
