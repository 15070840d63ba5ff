"""Resources and their tags in SQLite, with every record also in memory.

A record is a dict in the form of the resource's Describe answer; members that start with an
underscore are ours and never leave. Records are values: change one only through `update`.
"""

from __future__ import annotations

import copy
import json
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Record = dict[str, Any]
# Kind, region and name.
Key = tuple[str, str, str]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
  kind TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (kind, region, name)
);
CREATE TABLE IF NOT EXISTS tags (
  arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key)
);
"""


class Records(list[Record]):
    """A kind's records in a region as they are until the next change, not to be changed themselves;
    `orders` is for those who sort them to keep what they got."""

    def __init__(self, records: Iterable[Record]) -> None:
        super().__init__(records)
        self.orders: dict[tuple[str, str], list[Record]] = {}


class Exists(Exception):
    """A resource of that kind and name is already there."""


class Store:
    """All resources of all regions. Every method is atomic and thread-safe."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._lock = threading.RLock()
        self._records: dict[tuple[str, str], dict[str, Record]] = {}
        self._lists: dict[tuple[str, str], Records] = {}
        self._arns: dict[str, Key] = {}
        for kind, region, name, body in self._db.execute("SELECT * FROM resources"):
            self._keep(kind, region, name, json.loads(body))
        self._tags: dict[str, dict[str, str]] = {}
        self._order: list[str] | None = None
        for arn, key, value in self._db.execute("SELECT * FROM tags"):
            self._tags.setdefault(arn, {})[key] = value

    def create(self, kind: str, region: str, name: str, record: Record) -> None:
        """Add a record. Raises `Exists`."""
        with self._lock:
            if name in self._records.get((kind, region), {}):
                raise Exists(name)
            self._write(kind, region, name, record)

    def put(self, kind: str, region: str, name: str, record: Record) -> None:
        """Add a record, or replace it."""
        with self._lock:
            self._write(kind, region, name, record)

    def get(self, kind: str, region: str, name: str) -> Record | None:
        return self._records.get((kind, region), {}).get(name)

    def update(self, kind: str, region: str, name: str, change: Callable[[Record], None]) -> Record:
        """Apply `change` to a copy and write it. Raises `KeyError`; nothing is written when
        `change` raises."""
        with self._lock:
            record = copy.deepcopy(self._records[kind, region][name])
            change(record)
            self._write(kind, region, name, record)
            return record

    def delete(self, kind: str, region: str, name: str) -> None:
        with self._lock:
            record = self._records.get((kind, region), {}).pop(name, None)
            self._lists.pop((kind, region), None)
            where = (kind, region, name)
            self._db.execute("DELETE FROM resources WHERE kind=? AND region=? AND name=?", where)
            if record and "_arn" in record:
                self._arns.pop(record["_arn"], None)
                self.untag(record["_arn"], list(self.tags(record["_arn"])))

    def all(self, kind: str, region: str) -> list[Record]:
        """`Records`, not to be changed."""
        with self._lock:
            place = (kind, region)
            if place not in self._lists:
                self._lists[place] = Records(self._records.get(place, {}).values())
            return self._lists[place]

    def every(self, kind: str) -> list[tuple[str, str, Record]]:
        """(region, name, record) of all regions."""
        with self._lock:
            found = [(k, r) for k, r in self._records.items() if k[0] == kind]
            return [(key[1], name, rec) for key, recs in found for name, rec in recs.items()]

    def _write(self, kind: str, region: str, name: str, record: Record) -> None:
        body = json.dumps(record, separators=(",", ":"))
        self._db.execute(
            "INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?)", (kind, region, name, body)
        )
        self._keep(kind, region, name, record)

    def _keep(self, kind: str, region: str, name: str, record: Record) -> None:
        self._records.setdefault((kind, region), {})[name] = record
        self._lists.pop((kind, region), None)
        if "_arn" in record:
            self._arns[record["_arn"]] = (kind, region, name)

    def find(self, arn: str) -> Key | None:
        """What has an ARN."""
        return self._arns.get(arn)

    def tags(self, arn: str) -> dict[str, str]:
        return dict(self._tags.get(arn, {}))

    def tagged_arns(self) -> list[str]:
        """The ARNs that have tags, in their order; not to be changed."""
        with self._lock:
            if self._order is None:
                self._order = sorted(self._tags)
            return self._order

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        with self._lock:
            rows = [(arn, key, value) for key, value in tags.items()]
            self._db.executemany("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", rows)
            if tags:
                if arn not in self._tags:
                    self._order = None
                self._tags.setdefault(arn, {}).update(tags)

    def untag(self, arn: str, keys: list[str]) -> None:
        with self._lock:
            self._db.executemany(
                "DELETE FROM tags WHERE arn = ? AND key = ?", [(arn, key) for key in keys]
            )
            left = {k: v for k, v in self._tags.pop(arn, {}).items() if k not in keys}
            if left:
                self._tags[arn] = left
            else:
                self._order = None
