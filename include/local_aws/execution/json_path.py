"""The JSONPath subset of batch transform's filters.

`$`, `.name`, `*`, `['name', ...]`, `[number, ...]` with negative ones, `[start:end]`, as the Developer
Guide lists them ("Associate Prediction Results with Input Records"). A slice holds its end, as the
guide says and shows: `$[1:4]` are the second to the fifth (unverified). What selects several things
ends a path here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(
    r"\.?(?:"
    r"(?P<name>(?<=\.)[A-Za-z_][\w-]*)"
    r"|(?P<any>\*|\[\s*\*\s*\])"
    r"|\[(?P<names>\s*'[^']*'\s*(?:,\s*'[^']*'\s*)*)\]"
    r"|\[(?P<items>\s*(?:-?\d+|-?\d*\s*:\s*-?\d*)\s*(?:,\s*(?:-?\d+|-?\d*\s*:\s*-?\d*)\s*)*)\]"
    r")"
)


class BadPath(ValueError):
    """A path that is outside of the subset, or that leads nowhere in a value."""


Step = Callable[[Any], Any]


@dataclass(frozen=True)
class Path:
    """A parsed path; `indexes` says whether it is made of indexes alone, as CSV rows need."""

    text: str
    steps: tuple[Step, ...]
    indexes: bool

    def select(self, value: Any) -> Any:
        """What the path selects: one thing, or a list or an object of several.

        Raises `BadPath` when there is nothing.
        """
        for step in self.steps:
            try:
                value = step(value)
            except (KeyError, IndexError, TypeError, AttributeError) as error:
                raise BadPath(f"{self.text} selects nothing in {value!r}") from error
        return value


def parse(text: str) -> Path:
    """Read a path. Raises `BadPath`."""
    if not text.startswith("$"):
        raise BadPath(f"{text!r} does not start with $")
    steps: list[Step] = []
    indexes, single, at = True, True, 1
    while at < len(text):
        match = _STEP.match(text, at) if single else None
        if match is None or match.end() == at:
            raise BadPath(
                f"{text!r} goes on with {text[at:]!r}: allowed are .name, ['name'] and [number], and *, "
                "['name', ...], [number, ...] and [start:end] at the end"
            )
        steps.append(_step(match))
        indexes = indexes and match["items"] is not None
        single = not (match["any"] or "," in match[0] or ":" in match[0])
        at = match.end()
    return Path(text, tuple(steps), indexes)


def _step(match: re.Match[str]) -> Step:
    if (name := match["name"]) is not None:
        return lambda value: value[name] if isinstance(value, dict) else _nothing(name)
    if match["any"]:
        return lambda value: list(value.values()) if isinstance(value, dict) else list(value)
    if match["names"]:
        names = re.findall(r"'([^']*)'", match["names"])
        if len(names) == 1:
            return lambda value: value[names[0]]
        return lambda value: {name: value[name] for name in names}
    items = [item.strip() for item in match["items"].split(",")]
    if len(items) == 1 and ":" not in items[0]:
        number = int(items[0])
        return lambda value: value[number] if isinstance(value, list) else _nothing(items[0])
    return lambda value: [one for item in items for one in _items(item, value)]


def _items(item: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [_nothing(item)]
    if ":" not in item:
        return [value[int(item)]]
    first, _, last = item.partition(":")
    start = _position(first, 0, len(value))
    end = _position(last, len(value) - 1, len(value))
    if not (0 <= start < len(value) and 0 <= end < len(value)):
        raise IndexError(item)
    return value[start : end + 1]


def _position(text: str, default: int, length: int) -> int:
    if not text.strip():
        return default
    number = int(text)
    return number + length if number < 0 else number


def _nothing(step: str) -> Any:
    raise KeyError(step)
