"""How often the drift job's checks are right: ``python -m bench.drifting.detection LIMITS`` in the
environment of AWS's image; prints JSON.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

from bench.drifting.columns import COLUMNS, draw
from container.drift import checks
from container.drift.checks import DRIFT
from container.drift.limits import Limits
from container.drift.sample import Sample

TRAINED, SERVED, SHIFT = 15_000, 5_000, 0.3


def trained(seed: int) -> dict[str, tuple[Sample, float]]:
    """A training split's columns, as the job takes them from its baseline."""
    return {
        name: (Sample.distinct(values), float(values.std(dtype="float64")))
        for name, values in draw(seed, TRAINED).items()
    }


def drifted(known: dict[str, tuple[Sample, float]], window: dict[str, Any], limits: Limits) -> Any:
    """The columns that the job would say have drifted."""
    asked = [
        checks.numeric(name, "feature", *known[name], Sample.of(values), limits)
        for name, values in window.items()
    ]
    checks.decide(asked, limits)
    return [check.name for check in asked if check.verdict == DRIFT]


def judge(limits: Limits, references: int, windows: int, seeds: int) -> dict[str, Any]:
    """How many of ``windows`` without drift, and of ``seeds`` with one column that moved, are said to drift;
    each reference is for its share of them."""
    alarms, found, missed, besides = 0, 0, Counter[str](), 0
    for number in range(references):
        known = trained(1_000_000 + number)
        for window in range(number, windows, references):
            alarms += bool(drifted(known, draw(window, SERVED), limits))
        for seed in range(number, seeds, references):
            moved = list(COLUMNS)[seed * 7 % len(COLUMNS)]
            said = drifted(known, draw(2_000_000 + seed, SERVED, moved, SHIFT), limits)
            found += moved in said
            missed[moved] += moved not in said
            besides += bool(set(said) - {moved})
    return {
        "windows": windows,
        "alarms": alarms,
        "seeds": seeds,
        "found": found,
        "missed": {name: count for name, count in missed.items() if count},
        "besides": besides,
        "references": references,
        "trained": TRAINED,
        "served": SERVED,
        "shift": SHIFT,
        "columns": len(COLUMNS),
    }


if __name__ == "__main__":
    print(json.dumps(judge(Limits.of(json.loads(sys.argv[1])), 10, 1000, 100)))
