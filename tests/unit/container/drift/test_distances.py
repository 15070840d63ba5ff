"""The measures against scipy's, exactly and as a sketch gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.spatial import distance

from container.drift import distances
from container.drift.sample import Sample
from container.kll import Sketch

COARSE = st.integers(-20, 20).map(lambda value: value / 4)
FINE = st.floats(-1e6, 1e6, width=32)
COUNTS = st.lists(st.integers(6, 100_000), min_size=2, max_size=12)


def values(elements: Any) -> Any:
    return st.integers(2, 300).flatmap(lambda n: arrays(np.float32, n, elements=elements))


SAMPLES = st.one_of(
    st.tuples(values(COARSE), values(COARSE)), st.tuples(values(FINE), values(FINE))
)


@given(SAMPLES)
@settings(max_examples=100, deadline=None)
def test_numbers_agree_with_scipy(samples: tuple[Any, Any]) -> None:
    before, now = samples
    reference, window = Sample.distinct(before), Sample.of(now)
    expected = stats.ks_2samp(before, now, method="asymp")
    statistic, p_value = distances.kolmogorov_smirnov(reference, window)
    assert statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert p_value == pytest.approx(expected.pvalue, abs=1e-9)
    area = stats.wasserstein_distance(before.astype(float), now.astype(float))
    scale = max(1.0, float(np.abs(np.concatenate(samples)).max()))
    assert distances.wasserstein(reference, window) == pytest.approx(area, abs=1e-9 * scale)


@pytest.mark.parametrize("count", [1000, 45_455])
@pytest.mark.parametrize("squared", [2.2, 2.3, 9.0, 40.0])
def test_chances_of_large_samples_agree_with_scipy(count: int, squared: float) -> None:
    """Two samples of twice as many values, apart by what `squared` is of their effective count."""
    apart = round(np.sqrt(squared / count) * 2 * count) / (2 * count)
    values = np.arange(2 * count, dtype=np.float32)
    moved = np.arange(2 * count, dtype=np.float32) + np.float32(apart * 2 * count)
    statistic, p_value = distances.kolmogorov_smirnov(Sample.distinct(values), Sample.of(moved))
    assert statistic == pytest.approx(apart, abs=1e-12)
    assert p_value == pytest.approx(stats.kstwo.sf(apart, count), abs=1e-9)


@given(COUNTS, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_counts_agree_with_scipy(counts: list[int], random: Any) -> None:
    before = np.array(counts, dtype=float)
    now = np.array([random.randint(6, 100_000) for _ in counts], dtype=float)
    smallest = min(before.sum(), now.sum()) / (before.sum() + now.sum())
    if ((before + now) * smallest >= distances.EXPECTED).all():
        expected = stats.chi2_contingency([before, now], correction=False)
        statistic, p_value = distances.chi_square(before, now)
        assert statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
        assert p_value == pytest.approx(expected.pvalue, abs=1e-9)
    assert distances.jensen_shannon(before, now) == pytest.approx(
        distance.jensenshannon(before, now, base=2), abs=1e-9
    )
    p, q = before / before.sum(), now / now.sum()
    if min(p.min(), q.min()) >= distances.FLOOR:
        index = stats.entropy(p, q) + stats.entropy(q, p)
        assert distances.stability_index(before, now) == pytest.approx(index, abs=1e-9)


def test_rare_categories_are_tested_together() -> None:
    before, now = np.array([900, 95, 3, 1, 1]), np.array([905, 88, 2, 0, 5])
    together = stats.chi2_contingency([[900, 95, 5], [905, 88, 7]], correction=False)
    assert distances.chi_square(before, now)[1] == pytest.approx(together.pvalue, abs=1e-9)


def test_cramers_v_does_not_know_how_many_were_kept() -> None:
    before, now = np.array([50, 30, 20]), np.array([30, 30, 40])
    expected = stats.contingency.association([before, now], method="cramer")
    assert distances.cramers_v(before, now) == pytest.approx(expected, abs=1e-9)
    assert distances.cramers_v(before * 1000, now) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_a_sketch_is_within_the_error_it_states(seed: int) -> None:
    random = np.random.default_rng(seed)
    before = random.normal(size=20_000).astype(np.float32)
    now = random.normal(0.2, size=400_000).astype(np.float32)
    sketch = Sketch()
    for part in np.array_split(now, 7):
        sketch.update(part.astype(np.float64))
    reference, exact, rough = Sample.distinct(before), Sample.of(now), Sample.sketched(sketch)
    assert 0 < rough.error < 0.01
    points = np.linspace(-3, 3, 101, dtype=np.float32)
    off = np.abs(rough.through(points) - exact.through(points)).max() / len(now)
    assert off <= rough.error
    difference = (
        distances.kolmogorov_smirnov(reference, rough)[0]
        - distances.kolmogorov_smirnov(reference, exact)[0]
    )
    assert abs(difference) <= rough.error
    assert distances.wasserstein(reference, rough) == pytest.approx(
        distances.wasserstein(reference, exact), abs=0.02
    )


def test_a_small_sketch_states_that_it_is_exact() -> None:
    sketch = Sketch()
    sketch.update(np.arange(100.0))
    assert sketch.rank_error() == 0.0
