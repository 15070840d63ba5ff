"""From samples to a verdict on each: what was measured, whether it is significant, whether it is large."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from container.drift import distances
from container.drift.limits import Limits
from container.drift.sample import Sample

OK, DRIFT, UNKNOWN = "ok", "drift", "unknown"
DISCRETE = 20
"""A reference of at most so many distinct values is tested by chi-square: Kolmogorov-Smirnov loses its
power where values are tied."""


@dataclass
class Check:
    """One question asked of a window.

    Attributes:
        name: the column, or the metric.
        about: "feature", "prediction", "completeness" or "quality".
        samples, reference_samples: values on either side.
        effects: how large the difference is, by measure.
        limits: from where on an effect counts, for those that may decide.
        test: what ``p_value`` is of.
        p_adjusted: after Holm's correction over every check that decides.
        verdict, reason: ok, drift or unknown, and the sentence why.
        decides: whether the window's verdict heeds it; ``aside`` says why not.
    """

    name: str
    about: str
    samples: int
    reference_samples: int
    effects: dict[str, float] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    test: str = ""
    statistic: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    verdict: str = UNKNOWN
    reason: str = ""
    aside: str = ""

    @property
    def decides(self) -> bool:
        return not self.aside

    @property
    def large(self) -> list[str]:
        """The effects that reach their limits."""
        return [name for name, limit in self.limits.items() if self.effects[name] >= limit]


def numeric(
    name: str, about: str, reference: Sample, scale: float, window: Sample, limits: Limits
) -> Check:
    """A number column; ``scale`` is the reference's standard deviation."""
    check = Check(name, about, int(window.total), int(reference.total))
    if too_few(check, limits):
        return check
    edges = distances.bin_edges(reference)
    before, now = distances.binned(reference, edges), distances.binned(window, edges)
    at = distances.places(reference, window)
    ks, p_value = distances.kolmogorov_smirnov(reference, window, at)
    check.test, check.statistic, check.p_value = "Kolmogorov-Smirnov", ks, p_value
    if len(reference.values) <= DISCRETE:
        cells = reference.values[:-1]
        check.test = "chi-square"
        check.statistic, check.p_value = distances.chi_square(
            distances.binned(reference, cells), distances.binned(window, cells)
        )
    check.effects = {
        "ks": ks,
        "wasserstein": distances.wasserstein(reference, window, at) / (scale or 1.0),
        "psi": distances.stability_index(before, now),
        "jensen_shannon": distances.jensen_shannon(before, now),
    }
    check.limits = {effect: getattr(limits, effect) for effect in check.effects}
    return check


def categorical(name: str, reference: Any, window: Any, limits: Limits) -> Check:
    """A category column, by the counts of the same categories."""
    check = Check(name, "feature", int(window.sum()), int(reference.sum()))
    if too_few(check, limits):
        return check
    check.test = "chi-square"
    check.statistic, check.p_value = distances.chi_square(reference, window)
    check.effects = {
        "chi_square": distances.cramers_v(reference, window),
        "psi": distances.stability_index(reference, window),
        "jensen_shannon": distances.jensen_shannon(reference, window),
    }
    check.limits = {effect: getattr(limits, effect) for effect in check.effects}
    return check


def completeness(
    name: str, reference: tuple[int, int], window: tuple[int, int], limits: Limits
) -> Check:
    """Whether values got lost: ``(present, missing)`` of both sides."""
    check = Check(name, "completeness", sum(window), sum(reference))
    if too_few(check, limits):
        return check
    check.test = "chi-square"
    check.statistic, check.p_value = distances.chi_square(np.array(reference), np.array(window))
    fall = reference[0] / sum(reference) - window[0] / sum(window)
    check.effects, check.limits = {"completeness": fall}, {"completeness": limits.completeness}
    return check


def too_few(check: Check, limits: Limits) -> bool:
    """Whether there is too little to say anything; the check says so itself."""
    for count, where in ((check.samples, "window"), (check.reference_samples, "reference")):
        if count < limits.min_samples:
            check.reason = (
                f"{check.name}: {count:,} values in the {where} are fewer than the "
                f"{limits.min_samples:,} that an answer needs"
            )
            return True
    return False


def decide(checks: list[Check], limits: Limits) -> None:
    """Give every check its adjusted p-value, verdict and reason (Holm, 1979)."""
    tested = [check for check in checks if check.p_value is not None]
    heeded = sorted((c for c in tested if c.decides), key=lambda c: c.p_value or 0.0)
    running = 0.0
    for place, check in enumerate(heeded):
        running = max(running, min(1.0, (check.p_value or 0.0) * (len(heeded) - place)))
        check.p_adjusted = running
    for check in tested:
        p = check.p_value if check.p_adjusted is None else check.p_adjusted
        assert p is not None
        significant = p < limits.significance
        check.verdict = DRIFT if significant and check.large else OK
        check.reason = f"{check.name}: {_because(check, p, significant, limits)}"
        if check.aside:
            check.reason += f"; decides nothing, {check.aside}"


def _because(check: Check, p: float, significant: bool, limits: Limits) -> str:
    shown = f"{check.test}, p {p:.2g}" if p else f"{check.test}, p below 1e-300"
    shown += " after correction" if check.decides else ""
    if not significant:
        return f"no significant difference ({shown}, limit {limits.significance:g})"
    if check.large:
        reached = ", ".join(
            f"{name} {check.effects[name]:.3g} (limit {check.limits[name]:g})"
            for name in check.large
        )
        return f"{reached}; significant ({shown})"
    nearest = max(check.limits, key=lambda name: check.effects[name] / check.limits[name])
    return (
        f"significant ({shown}) but small: nearest to its limit is {nearest} "
        f"{check.effects[nearest]:.3g} of {check.limits[nearest]:g}"
    )
