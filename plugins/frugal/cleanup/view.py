"""What signals may ask of an account besides the resources that they judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Query:
    """One metric over one window: `statistic` is Sum, Maximum or Average, dimensions are (name, value) each."""

    namespace: str
    metric: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...]


class View(Protocol):
    """An account at the time `now`: the real one, or a test's."""

    now: datetime

    def metrics(self, queries: Sequence[Query], window: timedelta) -> Sequence[float | None]:
        """The statistic of each query over the window until now, in order; None where there is no data point."""
        ...

    def users(self, kind: str, name: str) -> Set[tuple[str, str]]:
        """What needs the thing, of whomever it is: (kind, name) each."""
        ...

    def exists(self, kind: str, name: str) -> bool:
        """Whether a thing of a kind that was listed is there."""
        ...

    def unknown(self, kinds: Iterable[str]) -> str | None:
        """Why not all of these kinds are known, in words; None when they are."""
        ...
