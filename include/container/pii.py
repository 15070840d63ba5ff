"""Requests without the columns that nobody may keep."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def without(body: Any, content_type: str, pii: Mapping[str, tuple[int, str]]) -> str | None:
    """The request with its PII hashed or left out; None for a form in which it cannot be found."""
    text = body if isinstance(body, str) else bytes(body).decode()
    if content_type.startswith("text/csv"):
        rows = [_row(line.split(","), pii) for line in text.splitlines() if line.strip()]
        known = all(row is not None for row in rows)
        return "".join(",".join(row) + "\n" for row in rows if row is not None) if known else None
    if not content_type.startswith("application/json"):
        return None
    document = json.loads(text)
    instances = document.get("instances") if isinstance(document, dict) else document
    if not isinstance(instances, list):
        return None
    if instances and not isinstance(instances[0], (list, dict)):
        instances = [instances]
    cleaned = [
        {
            name: _hidden(pii[name][1], value) if name in pii else value
            for name, value in row.items()
        }
        if isinstance(row, dict)
        else _row(row, pii)
        for row in instances
    ]
    return None if None in cleaned else json.dumps({"instances": cleaned})


def _row(values: list[Any], pii: Mapping[str, tuple[int, str]]) -> list[Any] | None:
    if any(at >= len(values) for at, _ in pii.values()):
        return None
    hidden = list(values)
    for at, how in pii.values():
        hidden[at] = _hidden(how, values[at])
    return hidden


def _hidden(how: str, value: Any) -> str:
    return "" if how == "drop" else hashlib.sha256(str(value).encode()).hexdigest()[:16]
