"""How far two samples are apart, and how surprising that is.

Each measure agrees with scipy's on the same values (`ks_2samp`, `chi2_contingency`, `jensenshannon`,
`wasserstein_distance`), from one sort of the window and a look-up per distinct value of the reference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats

from container.drift.sample import Numbers, Sample

FLOOR = 1e-4
"""Least share of a bin in the population stability index, so that an empty bin has a logarithm."""

MANY, FAR = 1000, 2.2
"""From how many values on, and from which count times squared distance on, a Kolmogorov-Smirnov
distance's chance is Smirnov's sum; the latter is where scipy begins with it."""

PIECE = 1 << 15
"""Values that are summed up at a time: as many as stay in a processor's cache."""

EXPECTED = 5.0
"""Least expected count of a chi-square cell: rarer categories are taken together."""


def places(reference: Sample, window: Sample) -> Numbers:
    """How many positions of the window hold at most each value of the reference: what the two distances
    below both begin with."""
    return np.searchsorted(window.values, reference.values, side="right")


def kolmogorov_smirnov(
    reference: Sample, window: Sample, at: Numbers | None = None
) -> tuple[float, float]:
    """The largest difference of the two distribution functions, and its p-value.

    ``reference`` is a `Sample.distinct`. Between two of its values its own distribution function is
    level and the window's rises, so the difference is largest beside one of them. The p-value is
    scipy's "asymp"; sketches' rank errors are taken off the difference first. ``at`` is `places`.
    """
    assert reference.upto is not None
    at = places(reference, window) if at is None else at
    right = window.reached(at) / window.total
    left = window.reached(_before(reference, window, at)) / window.total
    own = reference.upto / reference.total
    distance = float(max(np.abs(right - own[1:]).max(), np.abs(left - own[:-1]).max()))
    effective = window.total * reference.total / (window.total + reference.total)
    certain = max(distance - window.error - reference.error, 0.0)
    return distance, _chance_of(certain, max(float(np.round(effective)), 1.0))


def _chance_of(distance: float, count: float) -> float:
    """The chance of a larger Kolmogorov-Smirnov distance than this: scipy's ``kstwo.sf``, whose sum for
    large distances (twice Smirnov's one-sided chance) is taken here at once instead of term by term."""
    if count < MANY or count * distance**2 < FAR or distance >= 1.0:
        return float(np.clip(stats.kstwo.sf(distance, count), 0.0, 1.0))
    factorials = special.gammaln(np.arange(1.0, count + 2.0))
    terms = np.arange(int(count * (1.0 - distance)) + 1)
    reached = np.minimum(distance + terms / count, 1.0)
    logs = factorials[-1] - factorials[terms] - factorials[::-1][terms]
    with np.errstate(divide="ignore"):
        logs += (terms - 1) * np.log(reached) + (count - terms) * np.log1p(-reached)
    return float(min(2.0 * distance * np.exp(logs).sum(), 1.0))


def _before(reference: Sample, window: Sample, at: Numbers) -> Numbers:
    """How many positions hold less than each value: as many as hold at most it, but where it is there."""
    there = np.flatnonzero(window.values[np.maximum(at - 1, 0)] == reference.values)
    if not len(there):
        return at
    before = at.copy()
    before[there] = np.searchsorted(window.values, reference.values[there], side="left")
    return before


def wasserstein(reference: Sample, window: Sample, at: Numbers | None = None) -> float:
    """The area between the two distribution functions, in the column's unit. ``at`` is `places`.

    Between two neighbours ``a < b`` of the reference its distribution function is a level ``c``, which
    the window's crosses at most once, at its own quantile of ``c``: the area is that of two pieces, each
    from the window's counts and running sums.
    """
    assert reference.upto is not None
    positions = places(reference, window) if at is None else at
    level = reference.upto[1:-1] / reference.total
    wanted = level * window.total
    if window.upto is None:
        crossing = np.floor(wanted).astype(positions.dtype)
    else:
        crossing = np.searchsorted(window.upto, wanted, side="right") - 1
    crossing = np.clip(crossing, positions[:-1], positions[1:])
    middle = float(reference.values[len(reference.values) // 2])
    points = reference.values.astype(np.float64) - middle
    both = np.empty(len(positions) + len(crossing), dtype=positions.dtype)
    both[0::2], both[1::2] = positions, crossing
    sums, total = _running_sums(window, both, middle)

    def area(positions: Numbers, sums: Numbers, ends: Numbers) -> Numbers:
        """Of the window's distribution function from minus infinity to ``ends``."""
        found: Numbers = (window.reached(positions) * ends - sums) / window.total
        return found

    until = area(positions, sums[0::2], points)
    beyond = total / window.total - (points[-1] - until[-1])
    inside = np.minimum(crossing, len(window.values) - 1)
    found = window.values[inside].astype(np.float64) - middle
    there = np.where(crossing == inside, found, np.inf)
    there = np.clip(there, points[:-1], points[1:])
    until_there = area(crossing, sums[1::2], there)
    before = level * (there - points[:-1]) - (until_there - until[:-1])
    after = (until[1:] - until_there) - level * (points[1:] - there)
    return float(until[0] + beyond + np.abs(before).sum() + np.abs(after).sum())


def _running_sums(window: Sample, ascending: Numbers, middle: float) -> tuple[Numbers, float]:
    """What the values before each position add up to, and all of them, each less ``middle``: summed up
    piece by piece, so that nothing of the window's size is made."""
    sums, total = np.empty(len(ascending)), 0.0
    running = np.zeros(PIECE + 1)
    pieces = np.arange(0, len(window.values), PIECE)
    ends = np.searchsorted(ascending, pieces + PIECE, side="left")
    first = 0
    for start, end in zip(pieces.tolist(), ends.tolist(), strict=True):
        values = window.values[start : start + PIECE]
        own = running[1 : len(values) + 1]
        np.subtract(values, middle, out=own, dtype=np.float64)
        if window.upto is not None:
            own *= np.diff(window.upto[start : start + PIECE + 1])
        np.cumsum(own, out=own)
        sums[first:end] = total + running[ascending[first:end] - start]
        total += float(own[-1])
        first = end
    sums[first:] = total
    return sums, total


def bin_edges(reference: Sample, bins: int = 10) -> Numbers:
    """Upper bounds of bins that each hold about as much of the reference; the last has none."""
    edges: Numbers = np.unique(reference.quantile(np.arange(1, bins) / bins))
    below: Numbers = edges[edges < reference.values[-1]]
    return below


def binned(sample: Sample, edges: Numbers) -> Numbers:
    """How many values are in each bin, ``(len(edges) + 1,)``."""
    return np.diff(np.concatenate([[0], sample.through(edges), [sample.total]]))


def stability_index(reference: Numbers, window: Numbers) -> float:
    """The population stability index of two histograms over the same bins."""
    p = np.maximum(reference / reference.sum(), FLOOR)
    q = np.maximum(window / window.sum(), FLOOR)
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(reference: Numbers, window: Numbers) -> float:
    """The Jensen-Shannon distance, to base 2, of two histograms over the same bins."""
    p, q = reference / reference.sum(), window / window.sum()
    middle = (p + q) / 2

    def entropy(share: Numbers) -> Any:
        there = share > 0
        return (share[there] * np.log2(share[there] / middle[there])).sum()

    return float(np.sqrt(max(entropy(p) + entropy(q), 0.0) / 2))


def chi_square(reference: Numbers, window: Numbers) -> tuple[float, float]:
    """Statistic and p-value of a homogeneity test of two histograms, without continuity correction;
    bins that are too rare to test alone are taken together."""
    reference, window = _common(np.asarray(reference, float), np.asarray(window, float))
    if len(reference) < 2:
        return 0.0, 1.0
    both = reference + window
    statistic = 0.0
    for counts in (reference, window):
        expected = both * counts.sum() / both.sum()
        statistic += float(((counts - expected) ** 2 / expected).sum())
    return statistic, float(stats.chi2.sf(statistic, len(both) - 1))


def cramers_v(reference: Numbers, window: Numbers) -> float:
    """Cramer's V of two histograms over the same bins, 0 to 1, as if both sides were of one size: how
    large a reference is kept does not change it."""
    p, q = reference / reference.sum(), window / window.sum()
    there = p + q > 0
    return float(np.sqrt(((p - q)[there] ** 2 / (p + q)[there]).sum() / 2))


def _common(reference: Numbers, window: Numbers) -> tuple[Numbers, Numbers]:
    smaller = min(reference.sum(), window.sum()) / (reference.sum() + window.sum())
    both = reference + window
    rare = both * smaller < EXPECTED
    table = np.stack([reference, window])
    kept = table[:, ~rare]
    if both[rare].sum():
        kept = np.column_stack([kept, table[:, rare].sum(axis=1)])
    return kept[0], kept[1]
