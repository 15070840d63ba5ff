"""What really happened, to be merged with what was predicted by inference id.

``*.jsonl``: Model Monitor's ground truth, ``{"groundTruthData": {"data": "1.5", "encoding": "CSV"},
"eventMetadata": {"eventId": "..."}}``; ``data`` has one line for each row of the request. ``*.csv``: a
header line, an id column (``inference_id``, ``event_id`` or ``id``) and a label column (``label`` or the
target's name). A later label of the same row replaces an earlier one.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from container.drift.window import key_of

IDS = ("inference_id", "inferenceId", "event_id", "eventId", "id")


@dataclass(frozen=True)
class Truth:
    """``keys`` ``(n,)`` int64 ascending, as `key_of` makes them, and ``labels`` ``(n,)`` float64."""

    keys: Any
    labels: Any
    problems: int


def read(directory: Path, target: str) -> Truth | None:
    """All labels below a directory; None when there is no such directory.

    Raises:
        ValueError: a CSV file has no id or no label column.
    """
    if not directory.is_dir():
        return None
    keys: list[int] = []
    labels: list[float] = []
    problems = 0
    for path in sorted(directory.rglob("*")):
        for key, label in _labels(path, target):
            if label is None:
                problems += 1
            else:
                keys.append(key)
                labels.append(label)
    last_first = np.array(keys, dtype=np.int64)[::-1]
    found, positions = np.unique(last_first, return_index=True)
    return Truth(found, np.array(labels, dtype=np.float64)[::-1][positions], problems)


def _labels(path: Path, target: str) -> Iterator[tuple[int, float | None]]:
    if path.suffix == ".jsonl":
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in filter(str.strip, lines):
                yield from _record(line)
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            reader = csv.DictReader(lines)
            header = reader.fieldnames or []
            key = next((name for name in IDS if name in header), None)
            label = next((name for name in ("label", target) if name in header), None)
            if key is None or label is None:
                raise ValueError(
                    f"{path.name} has columns {', '.join(header) or 'none'}; it needs one of "
                    f"{', '.join(IDS)}, and label or {target}"
                )
            for row in reader:
                yield key_of(row[key], 0), _number(row[label])


def _record(line: str) -> Iterator[tuple[int, float | None]]:
    try:
        document = json.loads(line)
        key = str(document["eventMetadata"]["eventId"])
        data = str(document["groundTruthData"]["data"]).split("\n")
    except (KeyError, TypeError, ValueError):
        yield 0, None
        return
    for row, value in enumerate(part for part in data if part.strip()):
        yield key_of(key, row), _number(value)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
