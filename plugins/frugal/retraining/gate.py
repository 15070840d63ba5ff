"""Whether a window's drift is worth a retraining. Pure: facts in, a decision with every reason out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from frugal.spec.monitor import Retrain

Action = Literal["retrain", "ask", "alert", "hold"]
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Facts:
    """What is known when a window's verdict is weighed. Money is in USD; None is unknown.

    verdict        drift, ok or unknown, as the drift job found
    summary        what it found, in a sentence
    decided        names of later windows that were decided already; they sort by time
    in_flight      training runs that are queued or running
    last_training  when the newest model was registered, whether it won or lost
    retrained      when this gate's earlier retrainings were decided
    refused        when somebody was asked, and did not approve
    spent          what the retrainings of this calendar month have cost, with those that have no report yet
    expected       what a retraining is likely to cost
    new_data       whether the raw data or what prepares it changed since the last training
    loss           by how much the metric is worse than on the baseline, in its own unit; needs ground truth
    """

    window: str
    verdict: str
    summary: str
    now: datetime
    decided: Sequence[str] = ()
    in_flight: int = 0
    last_training: datetime | None = None
    retrained: Sequence[datetime] = ()
    refused: Sequence[datetime] = ()
    spent: float | None = 0.0
    expected: float | None = None
    new_data: bool = True
    loss: float | None = None


@dataclass(frozen=True)
class Reason:
    """One thing that was weighed; None: it has no say."""

    check: str
    passed: bool | None
    text: str


@dataclass(frozen=True)
class Decision:
    """What comes of a window, and everything that was weighed."""

    window: str
    action: Action
    reasons: tuple[Reason, ...]
    at: datetime

    @property
    def why(self) -> str:
        """What stands against a retraining, or else what speaks for it."""
        against = [reason.text for reason in self.reasons if reason.passed is False]
        return "; ".join(against or [reason.text for reason in self.reasons if reason.passed])

    def as_json(self) -> dict[str, Any]:
        """The record: {"window", "action", "why", "at", "reasons"}."""
        return {
            "window": self.window,
            "action": self.action,
            "why": self.why,
            "at": self.at.isoformat(),
            "reasons": [asdict(reason) for reason in self.reasons],
        }


def decide(gate: Retrain, facts: Facts) -> Decision:
    """`hold` when a single reason speaks against it; else what `gate.on_drift` asks for."""
    reasons = tuple(Reason(name, *check(gate, facts)) for name, check in CHECKS.items())
    held = any(reason.passed is False for reason in reasons)
    return Decision(facts.window, "hold" if held else gate.on_drift, reasons, facts.now)


Found = tuple[bool | None, str]


def _evidence(gate: Retrain, facts: Facts) -> Found:
    if facts.verdict == "unknown":
        return False, f"too little is known of {facts.window}: {facts.summary}"
    return facts.verdict == "drift", f"{facts.window}: {facts.summary}"


def _order(gate: Retrain, facts: Facts) -> Found:
    later = [window for window in facts.decided if window > facts.window]
    if later:
        return False, f"a later window, {max(later)}, was decided already"
    return True, "no later window was decided"


def _in_flight(gate: Retrain, facts: Facts) -> Found:
    if facts.in_flight:
        return False, f"{facts.in_flight} training run(s) are under way"
    return True, "no training is under way"


def _cooldown(gate: Retrain, facts: Facts) -> Found:
    trained = [at for at in (facts.last_training, *facts.retrained) if at is not None]
    times = [*trained, *facts.refused]
    if not times:
        return True, "nothing was trained before"
    ends = max(times) + gate.cooldown
    what = "last trained" if max(times) in trained else "not approved"
    text = f"{what} {_minute(max(times))}, cooldown {gate.cooldown}"
    return facts.now >= ends, f"{text}, until {_minute(ends)}"


def _per_week(gate: Retrain, facts: Facts) -> Found:
    recent = [at for at in facts.retrained if facts.now - at < WEEK]
    return (
        len(recent) < gate.per_week,
        f"{len(recent)} retrainings in seven days, {gate.per_week} allowed",
    )


def _budget(gate: Retrain, facts: Facts) -> Found:
    if gate.budget_month is None:
        return None, "no monthly budget is set"
    if facts.spent is None or facts.expected is None:
        what = "spent so far" if facts.spent is None else "that a retraining costs"
        return False, f"what was {what} is unknown, so that the budget cannot be kept"
    left = gate.budget_month - facts.spent
    text = f"a retraining costs about {facts.expected:.2f} USD, {left:.2f} of {gate.budget_month:.2f} are left"
    return facts.expected <= left, f"{text} this month"


def _new_data(gate: Retrain, facts: Facts) -> Found:
    if facts.new_data:
        return True, "there is data that the last training did not have"
    return False, "the data is the last training's: training again gives the same model"


def _worth(gate: Retrain, facts: Facts) -> Found:
    if gate.value is None:
        return None, "no value is set for the metric"
    if facts.loss is None:
        return None, "without ground truth nobody knows what drift costs"
    if facts.expected is None:
        return False, "what a retraining costs is unknown, so that it cannot be weighed"
    worth = max(facts.loss, 0.0) * gate.value
    text = f"the metric lost {facts.loss:.6g}, worth {worth:.2f} USD"
    return worth > facts.expected, f"{text}; a retraining costs about {facts.expected:.2f}"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}Z"


CHECKS: dict[str, Callable[[Retrain, Facts], Found]] = {
    "evidence": _evidence,
    "order": _order,
    "in_flight": _in_flight,
    "cooldown": _cooldown,
    "per_week": _per_week,
    "budget": _budget,
    "new_data": _new_data,
    "worth": _worth,
}
