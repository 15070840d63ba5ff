"""A KLL sketch: quantiles of a stream in bounded memory.

After Karnin, Lang, Liberty, "Optimal Quantile Approximation in Streams" (2016), with the
parameters that Model Monitor's baselines carry: ``k`` 2048 and ``c`` 0.64. Up to ``k`` values the
sketch is exact. Which half of a full level is kept is drawn from a seeded generator, so that the same
stream gives the same sketch.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

K = 2048
C = 0.64
GRID = 4096

Vector: TypeAlias = npt.NDArray[np.float64]


class Sketch:
    """Level ``i`` holds values that each stand for ``2**i`` of the stream."""

    def __init__(self) -> None:
        self.levels: list[Vector] = [np.empty(0)]
        self._coin = random.Random(0)  # noqa: S311 - no secret
        self._variance = 0.0

    @classmethod
    def of(cls, levels: Sequence[Sequence[float]]) -> Sketch:
        """The sketch that `document` wrote. How often it was compacted is reckoned from what has come up
        to each level, so that the error it states is an estimate."""
        sketch = cls()
        sketch.levels = [np.array(level, dtype=np.float64) for level in levels] or sketch.levels
        above = 0.0
        for level in range(len(sketch.levels) - 1, 0, -1):
            above += len(sketch.levels[level]) * 2.0**level
            moved = sketch._capacity(level - 1) * 2.0 ** (level - 1)
            sketch._variance += math.ceil(above / moved) * 4.0 ** (level - 1)
        return sketch

    def update(self, values: Vector) -> None:
        """Add values; they must not be NaN."""
        for start in range(0, len(values), K):
            self.levels[0] = np.concatenate([self.levels[0], values[start : start + K]])
            self._compact()

    def quantile(self, shares: Any) -> Any:
        """The values below which these shares (0 to 1) of the stream lie; NaN if it was empty."""
        values, weights = self.weighted()
        if not len(values):
            return np.full(np.shape(shares), np.nan)
        reached = np.cumsum(weights)
        positions = np.searchsorted(reached, np.asarray(shares) * reached[-1], side="left")
        return values[np.minimum(positions, len(values) - 1)]

    def weighted(self) -> tuple[Vector, Vector]:
        """Values in ascending order, and how much of the stream each stands for."""
        values = np.concatenate(self.levels)
        weights = np.concatenate([np.full(len(v), 2.0**i) for i, v in enumerate(self.levels)])
        order = np.argsort(values, kind="stable")
        return values[order], weights[order]

    def rank_error(self, doubt: float = 1e-6) -> float:
        """By how much of the stream (0 to 1) a rank is off at most, for all ranks at once, with
        probability 1 - ``doubt``.

        A compaction of level i moves a rank by 2**i up or down or not at all, as a fair coin says:
        Hoeffding's inequality, for ``GRID`` ranks at once; between two of them a rank cannot be off
        by more than their distance besides.
        """
        count = sum(len(level) * 2**i for i, level in enumerate(self.levels))
        if not self._variance:
            return 0.0
        spread = math.sqrt(2 * self._variance * math.log(2 * GRID / doubt))
        return float(spread / count + 1 / GRID)

    def document(self) -> dict[str, Any]:
        """The sketch as statistics.json holds it."""
        return {
            "parameters": {"c": C, "k": float(K)},
            "data": [level.tolist() for level in self.levels],
        }

    def _compact(self) -> None:
        """Let every second value of a full level stand for both, one level up."""
        level = 0
        while level < len(self.levels):
            values = self.levels[level]
            if len(values) > self._capacity(level):
                if level + 1 == len(self.levels):
                    self.levels.append(np.empty(0))
                ordered = np.sort(values)
                kept = ordered[len(ordered) // 2 * 2 :]
                chosen = ordered[self._coin.getrandbits(1) : len(ordered) // 2 * 2 : 2]
                self._variance += 4.0**level
                self.levels[level] = kept
                self.levels[level + 1] = np.concatenate([self.levels[level + 1], chosen])
            level += 1

    def _capacity(self, level: int) -> int:
        return max(2, math.ceil(K * C ** (len(self.levels) - 1 - level)))
