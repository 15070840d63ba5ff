"""Turns dealt out by weight."""

from __future__ import annotations

import threading
from collections.abc import Mapping


class Split:
    """Deals turns out as evenly as turns can be dealt: under unchanged weights, a name with a share s of
    the weight has had at most s * n turns of n, rounded up.

    AWS draws lots instead, so that its shares hold on average.
    """

    def __init__(self) -> None:
        self._weights: dict[str, float] = {}
        self._credit: dict[str, float] = {}
        self._lock = threading.Lock()

    def turn(self, weights: Mapping[str, float]) -> str:
        """The name whose turn it is; all are alike when every weight is 0. Never one of weight 0
        beside others. Raises `ValueError` when there is nobody."""
        some = {name: weight for name, weight in weights.items() if weight > 0}
        some = some or dict.fromkeys(weights, 1.0)
        with self._lock:
            if some != self._weights:
                self._weights, self._credit = some, dict.fromkeys(some, 0.0)
            for name, weight in some.items():
                self._credit[name] += weight
            chosen = max(self._credit, key=lambda name: self._credit[name])
            self._credit[chosen] -= sum(some.values())
            return chosen


class Sample:
    """Picks a fraction of what passes, as evenly as it can be picked."""

    def __init__(self, fraction: float) -> None:
        self._fraction = min(1.0, fraction)
        self._split = Split()

    def takes(self) -> bool:
        """Whether this one is picked."""
        return self._split.turn({"rest": 1 - self._fraction, "picked": self._fraction}) == "picked"
