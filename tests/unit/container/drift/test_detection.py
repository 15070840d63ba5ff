"""How often the checks are right; bench/drift.py asks the same of a thousand windows."""

from __future__ import annotations

import numpy as np

from bench.drifting.detection import judge
from container.drift import checks
from container.drift.checks import DRIFT, OK, UNKNOWN, Check
from container.drift.limits import Limits

from .conftest import THRESHOLDS

LIMITS = Limits.of({"min_samples": 500, "thresholds": THRESHOLDS})


def test_no_false_alarms_and_no_small_shift_missed() -> None:
    found = judge(LIMITS, references=2, windows=20, seeds=20)
    assert found["alarms"] == 0
    assert found["found"] == 20, found["missed"]
    assert found["besides"] == 0


def test_one_surprise_among_two_hundred_columns_is_no_drift() -> None:
    asked = [large(f"x{i}", p) for i, p in enumerate(np.linspace(0.005, 1, 200))]
    checks.decide(asked, LIMITS)
    assert {check.verdict for check in asked} == {OK}
    alone = large("x", 0.005)
    checks.decide([alone], LIMITS)
    assert alone.verdict == DRIFT


def test_what_is_significant_and_small_is_no_drift() -> None:
    check = large("x", 1e-30)
    check.effects["ks"] = 0.05
    checks.decide([check], LIMITS)
    assert check.verdict == OK
    assert "significant" in check.reason
    assert "but small: nearest to its limit is ks 0.05 of 0.1" in check.reason


def test_holm_steps_down() -> None:
    asked = [large(f"x{i}", p) for i, p in enumerate([0.004, 0.001, 0.03])]
    asked.append(large("aside", 0.0))
    asked[-1].aside = "as model.yaml says"
    checks.decide(asked, LIMITS)
    assert [check.p_adjusted for check in asked] == [0.008, 0.003, 0.03, None]
    assert [check.verdict for check in asked] == [DRIFT, DRIFT, OK, DRIFT]


def test_what_was_not_tested_stays_unknown() -> None:
    check = Check("x", "feature", samples=10, reference_samples=5000)
    assert checks.too_few(check, LIMITS)
    checks.decide([check], LIMITS)
    assert check.verdict == UNKNOWN
    assert check.reason == "x: 10 values in the window are fewer than the 500 that an answer needs"


def large(name: str, p_value: float) -> Check:
    """A check of a large effect."""
    return Check(
        name, "feature", 1000, 1000, {"ks": 0.3}, {"ks": 0.1}, "Kolmogorov-Smirnov", 0.3, p_value
    )
