"""How far two samples are apart, and how surprising that is.

Each measure agrees with scipy's on the same values (`ks_2samp`, `chi2_contingency`, `jensenshannon`,
`wasserstein_distance`), from one sort of the window and a look-up per distinct value of the reference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from container.drift.sample import Numbers, Sample

FLOOR = 1e-4
"""Least share of a bin in the population stability index, so that an empty bin has a logarithm."""

EXPECTED = 5.0
"""Least expected count of a chi-square cell: rarer categories are taken together."""


def kolmogorov_smirnov(reference: Sample, window: Sample) -> tuple[float, float]:
    """The largest difference of the two distribution functions, and its p-value.

    ``reference`` is a `Sample.distinct`. Between two of its values its own distribution function is
    level and the window's rises, so the difference is largest beside one of them. The p-value is
    scipy's "asymp"; sketches' rank errors are taken off the difference first.
    """
    assert reference.upto is not None
    right = window.through(reference.values) / window.total
    left = window.below(reference.values) / window.total
    own = reference.upto / reference.total
    distance = float(max(np.abs(right - own[1:]).max(), np.abs(left - own[:-1]).max()))
    effective = window.total * reference.total / (window.total + reference.total)
    certain = max(distance - window.error - reference.error, 0.0)
    return distance, float(
        np.clip(stats.kstwo.sf(certain, max(np.round(effective), 1.0)), 0.0, 1.0)
    )


def wasserstein(reference: Sample, window: Sample) -> float:
    """The area between the two distribution functions, in the column's unit.

    Between two neighbours ``a < b`` of the reference its distribution function is a level ``c``, which
    the window's crosses at most once, at its own quantile of ``c``: the area is that of two pieces, each
    from the window's counts and running sums.
    """
    assert reference.upto is not None
    middle = float(reference.values[len(reference.values) // 2])
    values = window.values.astype(np.float64) - middle
    weighted = values if window.upto is None else values * np.diff(window.upto)
    sums = np.concatenate([[0.0], np.cumsum(weighted)])
    points = reference.values.astype(np.float64) - middle

    def area(positions: Numbers, ends: Numbers) -> Numbers:
        """Of the window's distribution function from minus infinity to ``ends``."""
        reached = positions if window.upto is None else window.upto[positions]
        found: Numbers = (reached * ends - sums[positions]) / window.total
        return found

    positions = np.searchsorted(window.values, reference.values, side="right")
    until = area(positions, points)
    beyond = sums[-1] / window.total - (points[-1] - until[-1])
    level = reference.upto[1:-1] / reference.total
    wanted = level * window.total
    if window.upto is None:
        crossing = np.floor(wanted).astype(int)
    else:
        crossing = np.searchsorted(window.upto, wanted, side="right") - 1
    crossing = np.clip(crossing, positions[:-1], positions[1:])
    padded = np.append(values, np.inf)
    at = np.clip(padded[crossing], points[:-1], points[1:])
    until_at = area(crossing, at)
    before = level * (at - points[:-1]) - (until_at - until[:-1])
    after = (until[1:] - until_at) - level * (points[1:] - at)
    return float(until[0] + beyond + np.abs(before).sum() + np.abs(after).sum())


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
