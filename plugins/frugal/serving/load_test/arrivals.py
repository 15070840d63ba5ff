"""When requests are sent: seconds from the start, rising, known before the first is sent (open loop)."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

from frugal.serving.chooser.load import Load
from frugal.spec.traffic import Traffic

MOST = 1_000_000


def steady(rate: float, seconds: float, seed: int = 0) -> list[float]:
    """Random arrivals (Poisson) at `rate` a second for `seconds`; the same seed gives the same arrivals.

    Raises ValueError for more than `MOST`: they are held in memory, and paid for.
    """
    if rate * seconds > MOST:
        raise ValueError(f"{rate:g} a second for {seconds:g} s are more than {MOST:,} requests")
    return list(_poisson([rate], seconds, random.Random(seed)))  # noqa: S311 - not for secrets


def ramp(rates: Sequence[float], seconds: float, seed: int = 0) -> list[float]:
    """Random arrivals at one rate after another, each for `seconds`."""
    return list(_poisson(rates, seconds, random.Random(seed)))  # noqa: S311 - not for secrets


def day(traffic: Traffic, seconds: float, seed: int = 0) -> list[float]:
    """A day of the traffic's shape at its own rates, each hour of which lasts `seconds` / 24."""
    load = Load.of(traffic)
    return ramp(load.hourly, seconds / len(load.hourly), seed)


def recorded(path: Path, speed: float = 1.0) -> list[float]:
    """The arrivals in a file with one time a line, in seconds, `speed` times as fast.

    Raises ValueError naming the line that is not a time, or that is earlier than the one before,
    and when there is none.
    """
    times: list[float] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            times.append(float(line))
        except ValueError:
            times.append(math.nan)
        if not math.isfinite(times[-1]):
            raise ValueError(f"{path}:{number}: not a time in seconds: {line!r}")
    for number, (before, after) in enumerate(pairwise(times), 2):
        if after < before:
            raise ValueError(f"{path}:{number}: {after:g} is earlier than {before:g} before it")
    if not times:
        raise ValueError(f"{path}: holds no times")
    return [(time - times[0]) / speed for time in times]


def _poisson(rates: Sequence[float], seconds: float, chance: random.Random) -> Iterator[float]:
    ends = accumulate(seconds for _ in rates)
    start = 0.0
    for rate, end in zip(rates, ends, strict=True):
        time = start
        while rate > 0 and (time := time + chance.expovariate(rate)) < end:
            yield time
        start = end
