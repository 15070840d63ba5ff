"""What a rule goes by. A signal looks at resources in batches and says of each whether it holds, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from frugal.cleanup.resource import Resource
from frugal.cleanup.view import View

#: What a signal that takes no parameter is given in cleanup.yaml.
Yes = Literal[True]


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a signal holds of a resource. None: that cannot be told, so nothing may be done."""

    holds: bool | None
    reason: str


#: One condition of a rule, with what the rule gave it: a finding for each resource of a batch, in order. All are of
#: the rule's kind, and were looked at if their kind can be.
Signal = Callable[[Sequence[Resource], View], Sequence[Finding]]


@dataclass(frozen=True)
class SignalKind:
    """`parameter` is the type that pydantic checks what cleanup.yaml gives against, `make` takes it. `kinds` are those
    that it can be asked of; None: of every one. One that is `late` goes by metrics, which come minutes after what they
    tell of.
    """

    parameter: Any
    make: Callable[[Any], Signal]
    kinds: frozenset[str] | None = None
    late: bool = False


def each(judge: Callable[[Resource, View], Finding]) -> Signal:
    """The signal that judges every resource by itself."""
    return lambda batch, view: [judge(resource, view) for resource in batch]


def words(seconds: float) -> str:
    """A length of time as people say it: "3.5 days", "2 hours"."""
    for unit, length in (("day", 86400.0), ("hour", 3600.0), ("minute", 60.0)):
        if seconds >= length:
            return _plural(round(seconds / length, 1), unit)
    return _plural(round(seconds, 1), "second")


def _plural(number: float, unit: str) -> str:
    return f"{number:g} {unit}{'' if number == 1 else 's'}"
