"""Twenty columns of every shape, and how each moves by a share of its standard deviation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Draw = Callable[[Any, int, float], Any]


def _added(draw: Callable[[Any, int], Any], std: float) -> Draw:
    """Every value moves."""
    return lambda random, rows, shift: draw(random, rows) + shift * std


def _poisson(rate: float) -> Draw:
    """More events."""
    return lambda random, rows, shift: random.poisson(rate + shift * rate**0.5, rows).astype(float)


def _yes(share: float) -> Draw:
    """More of ones."""
    std = (share * (1 - share)) ** 0.5
    return lambda random, rows, shift: (random.random(rows) < share + shift * std).astype(float)


def _lognormal(sigma: float) -> Draw:
    std = float(np.sqrt((np.exp(sigma**2) - 1) * np.exp(sigma**2)))
    return _added(lambda random, rows: random.lognormal(0, sigma, rows), std)


COLUMNS: dict[str, Draw] = {
    **{f"normal{i}": _added(lambda random, rows: random.normal(size=rows), 1.0) for i in range(6)},
    **{f"uniform{i}": _added(lambda random, rows: random.random(rows), 12**-0.5) for i in range(2)},
    **{
        f"exponential{i}": _added(lambda random, rows: random.exponential(1.0, rows), 1.0)
        for i in range(2)
    },
    "lognormal0": _lognormal(0.5),
    "lognormal1": _lognormal(1.0),
    "heavy0": _added(lambda random, rows: random.standard_t(4, rows), 2**0.5),
    "heavy1": _added(lambda random, rows: random.standard_t(4, rows), 2**0.5),
    "count0": _poisson(3.0),
    "count1": _poisson(0.2),
    "count2": _poisson(40.0),
    "yes0": _yes(0.5),
    "yes1": _yes(0.1),
    "yes2": _yes(0.01),
}


def draw(seed: int, rows: int, moved: str | None = None, shift: float = 0.0) -> dict[str, Any]:
    """``rows`` values of each column, one of them moved by ``shift`` standard deviations."""
    random = np.random.default_rng(seed)
    return {
        name: column(random, rows, shift if name == moved else 0.0).astype(np.float32)
        for name, column in COLUMNS.items()
    }
