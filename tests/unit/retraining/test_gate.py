"""Every reason of the gate, alone, and what it decides when none speaks against a training."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from frugal.retraining.gate import CHECKS, Facts, decide
from frugal.spec.monitor import Retrain

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = "2026-11-19T12Z-24h"
GATE = {"cooldown": "1d", "per_week": 2, "budget_month": 10.0, "value": 100.0}
GOOD: dict[str, Any] = {
    "window": WINDOW,
    "verdict": "drift",
    "summary": "grade drifted",
    "now": NOW,
    "decided": ["2026-11-12T12Z-24h"],
    "last_training": NOW - 2 * DAY,
    "retrained": [NOW - 6 * DAY],
    "spent": 3.0,
    "expected": 2.0,
    "loss": 0.05,
}


def gate(**changed: Any) -> Retrain:
    return Retrain.model_validate({**GATE, **changed})


def facts(**changed: Any) -> Facts:
    return Facts(**{**GOOD, **changed})


@pytest.mark.parametrize("action", ["retrain", "ask", "alert"])
def test_nothing_against_it_does_what_the_spec_says(action: str) -> None:
    decision = decide(gate(on_drift=action), facts())
    assert decision.action == action
    assert [reason.check for reason in decision.reasons] == list(CHECKS)
    assert all(reason.passed for reason in decision.reasons)
    assert "grade drifted" in decision.why


@pytest.mark.parametrize(
    ("check", "changed", "said"),
    [
        ("evidence", {"verdict": "unknown", "summary": "12 rows"}, "too little is known"),
        ("evidence", {"verdict": "ok", "summary": "nothing moved"}, "nothing moved"),
        ("order", {"decided": ["2026-11-19T13Z-24h"]}, "2026-11-19T13Z-24h, was decided already"),
        ("in_flight", {"in_flight": 1}, "1 training run(s) are under way"),
        ("cooldown", {"last_training": NOW - DAY / 2}, "until 2026-11-21 00:00Z"),
        ("cooldown", {"retrained": [NOW - DAY / 2]}, "until 2026-11-21 00:00Z"),
        ("cooldown", {"refused": [NOW - DAY / 2]}, "not approved 2026-11-20 00:00Z"),
        (
            "cooldown",
            {"last_training": NOW - DAY + timedelta(seconds=1)},
            "until 2026-11-20 12:00Z",
        ),
        ("cooldown", {"last_training": NOW + 2 * DAY}, "until 2026-11-23 12:00Z"),
        ("per_week", {"retrained": [NOW - 2 * DAY, NOW - 6 * DAY]}, "2 allowed"),
        ("budget", {"spent": 8.5}, "1.50 of 10.00 are left"),
        ("budget", {"spent": None}, "spent so far is unknown"),
        ("budget", {"expected": None}, "a retraining costs is unknown"),
        ("new_data", {"new_data": False}, "the same model"),
        ("worth", {"loss": 0.01}, "worth 1.00 USD"),
        ("worth", {"loss": -0.5}, "worth 0.00 USD"),
        ("worth", {"expected": None}, "cannot be weighed"),
    ],
)
def test_one_reason_holds_it(check: str, changed: dict[str, Any], said: str) -> None:
    decision = decide(gate(), facts(**changed))
    against = {reason.check: reason for reason in decision.reasons if reason.passed is False}
    assert decision.action == "hold"
    assert check in against
    assert said in against[check].text
    assert said in decision.why
    if changed != {"expected": None}:
        assert set(against) == {check}


@pytest.mark.parametrize(
    ("check", "of_gate", "of_facts"),
    [
        ("budget", {"budget_month": None}, {"spent": None, "expected": None}),
        ("worth", {"value": None}, {}),
        ("worth", {}, {"loss": None}),
    ],
)
def test_what_is_not_known_or_not_asked_has_no_say(
    check: str, of_gate: dict[str, Any], of_facts: dict[str, Any]
) -> None:
    decision = decide(gate(**of_gate), facts(**of_facts))
    said = {reason.check: reason.passed for reason in decision.reasons}
    assert said[check] is None


@pytest.mark.parametrize(
    "changed",
    [
        {"last_training": NOW - DAY},
        {"refused": [NOW - DAY], "retrained": [NOW - 3 * DAY]},
        {"retrained": [NOW - 2 * DAY, NOW - 7 * DAY]},
        {"spent": 8.0},
    ],
)
def test_what_ends_now_holds_no_longer(changed: dict[str, Any]) -> None:
    assert decide(gate(), facts(**changed)).action == "retrain"


def test_the_first_model_has_nothing_to_cool_down_from() -> None:
    decision = decide(gate(), facts(last_training=None, retrained=[], decided=[]))
    assert decision.action == "retrain"


def test_the_record_says_everything() -> None:
    document = decide(gate(), facts(in_flight=1)).as_json()
    assert document["window"] == WINDOW
    assert document["action"] == "hold"
    assert document["at"] == NOW.isoformat()
    assert {reason["check"] for reason in document["reasons"]} == set(CHECKS)
