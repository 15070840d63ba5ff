"""What counts as drift: spec.json's ``monitor``, where every default is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limits:
    """Effects are compared as "at least", and only where the difference is significant.

    Attributes:
        min_samples: values that a window and the reference need; with fewer the answer is unknown.
        significance: chance of any false alarm by significance alone, for all tests of a window
            together.
        psi: population stability index over the reference's deciles, or over categories.
        ks: Kolmogorov-Smirnov distance, 0 to 1.
        jensen_shannon: its distance to base 2, 0 to 1, over the same bins as ``psi``.
        wasserstein: in standard deviations of the reference.
        chi_square: Cramer's V of a category column.
        completeness: by how much the share of values that are there may fall.
        quality: by which share of the baseline's value the model's metric may worsen.
        unlike: share of a column's values that may be of another type, or categories that the baseline
            does not know.
        memory_mib: values of a window that are kept exactly, in MiB; beyond, a sketch takes over.
        ignore: columns that are shown and decide nothing.
    """

    min_samples: int
    significance: float
    psi: float
    ks: float
    jensen_shannon: float
    wasserstein: float
    chi_square: float
    completeness: float
    quality: float
    unlike: float = 0.01
    memory_mib: float = 512
    ignore: tuple[str, ...] = ()

    @classmethod
    def of(cls, monitor: Mapping[str, Any]) -> Limits:
        """The limits of ``spec["monitor"]``; capture spoils what it hashes or drops, so ``pii`` columns
        decide nothing."""
        extra = {name: monitor[name] for name in ("unlike", "memory_mib") if name in monitor}
        ignore = (*monitor.get("ignore", ()), *monitor.get("pii", ()))
        return cls(
            min_samples=monitor["min_samples"], ignore=ignore, **monitor["thresholds"], **extra
        )
