"""Which hyperparameters a tuning job tries next: Random, Grid and Bayesian."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from random import Random

from local_aws.execution.search_space import Categorical, Dimension

Values = dict[str, str]

#: Random trials before a Bayesian search has something to learn from.
WARM_UP = 5

#: The best part of all trials, and how many points near them are looked at for the next one.
GOOD, CANDIDATES = 0.25, 48

#: How often a point is drawn again that was tried before.
REDRAWS = 50


@dataclass(frozen=True)
class Trial:
    """What was tried, and how good it was: larger is better, None is unknown (yet)."""

    values: Values
    score: float | None


Strategy = Callable[[Sequence[Dimension], Sequence[Trial], Random], Values | None]


def draw(space: Sequence[Dimension], trials: Sequence[Trial], rng: Random) -> Values | None:
    """Random: a point of the space, uniform in each scaled range, and a new one if that is easy."""
    tried = [trial.values for trial in trials]
    for _ in range(REDRAWS):
        values = {dimension.name: dimension.value(rng.random()) for dimension in space}
        if values not in tried:
            break
    return values


def grid(space: Sequence[Dimension], trials: Sequence[Trial], rng: Random) -> Values | None:
    """Grid: every combination of categories once, the last range's first; None after the last."""
    combinations = product(*(d.values for d in space if isinstance(d, Categorical)))
    for combination in islice(combinations, len(trials), None):
        return {d.name: value for d, value in zip(space, combination, strict=True)}
    return None


def grid_size(space: Sequence[Dimension]) -> int:
    return math.prod(len(d.values) for d in space if isinstance(d, Categorical))


def bayesian(space: Sequence[Dimension], trials: Sequence[Trial], rng: Random) -> Values | None:
    """Bayesian: after `WARM_UP` random trials, the most promising of some points near the best ones.

    Promising is what is likely among the best trials and unlikely among the others, each seen as a
    mixture of bells around its trials: a tree-structured Parzen estimator (Bergstra et al., 2011).
    AWS's own is a Gaussian process; both learn from every trial that has ended.
    """
    scored = [trial for trial in trials if trial.score is not None]
    if len(scored) < WARM_UP:
        return draw(space, trials, rng)
    scored.sort(key=lambda trial: trial.score or 0.0, reverse=True)
    count = max(2, math.ceil(len(scored) * GOOD))
    good, bad = (_points(space, part) for part in (scored[:count], scored[count:]))
    tried = [trial.values for trial in trials]
    best: tuple[float, Values] | None = None
    for _ in range(CANDIDATES):
        point = [_near(d, rng.choice(good)[i], len(good), rng) for i, d in enumerate(space)]
        values = {d.name: d.value(unit) for d, unit in zip(space, point, strict=True)}
        worth = sum(
            math.log(_density(d, [p[i] for p in good], point[i]))
            - math.log(_density(d, [p[i] for p in bad], point[i]))
            for i, d in enumerate(space)
        )
        if values not in tried and (best is None or worth > best[0]):
            best = worth, values
    return best[1] if best else draw(space, trials, rng)


STRATEGIES: Mapping[str, Strategy] = {"Random": draw, "Grid": grid, "Bayesian": bayesian}


def _points(space: Sequence[Dimension], trials: Sequence[Trial]) -> list[list[float]]:
    return [[d.unit(trial.values[d.name]) for d in space] for trial in trials]


def _width(count: int) -> float:
    """Of the bells around `count` points of the unit interval."""
    return max(0.05, 0.4 / math.sqrt(1 + count))


def _near(dimension: Dimension, unit: float, count: int, rng: Random) -> float:
    """A point drawn from the density around one of `count` points, now and then from everywhere."""
    if rng.random() < 1 / (1 + count):
        return rng.random()
    if isinstance(dimension, Categorical):
        return unit
    return min(max(rng.gauss(unit, _width(count)), 0.0), 1 - 1e-9)


def _density(dimension: Dimension, points: Sequence[float], unit: float) -> float:
    """How likely `unit` is among `points`, with one uniform share more."""
    if isinstance(dimension, Categorical):
        share = len(dimension.values)
        same = sum(dimension.value(point) == dimension.value(unit) for point in points)
        return (1 + same * share) / (1 + len(points))
    width = _width(len(points))
    bells = (math.exp(-(((unit - point) / width) ** 2) / 2) for point in points)
    return (1 + sum(bells) / (width * math.sqrt(2 * math.pi))) / (1 + len(points))
