"""The values of one numeric column, ordered: all of them, or a sketch of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from container.kll import Sketch

Numbers: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Sample:
    """``values`` ascending, without NaN; ``upto[i]`` tells how many are before position ``i``, and is
    None where every position holds one value. Ranks may be off by ``error`` of ``total``."""

    values: Numbers
    upto: Numbers | None
    total: float
    error: float = 0.0

    @classmethod
    def of(cls, values: Numbers) -> Sample:
        """All values of a window."""
        return cls(np.sort(values), None, len(values))

    @classmethod
    def distinct(cls, values: Numbers) -> Sample:
        """All values of a reference: equal ones are folded together once, for every window."""
        found, counts = np.unique(values, return_counts=True)
        return cls(found, np.concatenate([[0], np.cumsum(counts)]), len(values))

    @classmethod
    def sketched(cls, sketch: Sketch) -> Sample:
        """What a sketch stands for; equal values are folded together."""
        given, weights = sketch.weighted()
        values, places = np.unique(given.astype(np.float32), return_index=True)
        upto = np.concatenate([[0.0], np.cumsum(weights)])
        upto = np.append(upto[places], upto[-1])
        return cls(values, upto, float(upto[-1]), sketch.rank_error())

    def below(self, points: Numbers) -> Numbers:
        """How many values are less than each point."""
        return self.reached(np.searchsorted(self.values, points, side="left"))

    def through(self, points: Numbers) -> Numbers:
        """How many values are at most each point."""
        return self.reached(np.searchsorted(self.values, points, side="right"))

    def quantile(self, shares: Numbers) -> Numbers:
        """The smallest values that at least these shares (0 to 1) are at most."""
        wanted = np.asarray(shares) * self.total
        if self.upto is None:
            positions = np.ceil(wanted).astype(int) - 1
        else:
            positions = np.searchsorted(self.upto[1:], wanted, side="left")
        found: Numbers = self.values[np.clip(positions, 0, len(self.values) - 1)]
        return found

    def reached(self, positions: Numbers) -> Numbers:
        """How many values are before each position."""
        return positions if self.upto is None else self.upto[positions]
