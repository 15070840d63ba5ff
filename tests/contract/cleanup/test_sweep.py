"""An account of hundreds of things of every kind is swept to exactly the right set, and to no other."""

from __future__ import annotations

from datetime import timedelta

from frugal.cleanup import night
from frugal.cleanup.outcome import Outcome
from frugal.cleanup.plan import Verdict
from tests.contract.cleanup.account import Account, everything
from tests.contract.cleanup.nights import GRACE, Nights

CHEAP = ("model", "endpoint-config", "training-job", "log-group")


def test_exactly_the_right_set(seeded: Account, nights: Nights) -> None:
    """Found and marked in one night, swept in another: the idle go, the busy, kept, young and foreign stay."""
    more = [wanted for wanted in everything() if wanted[0].name in CHEAP]
    seeded.seed([*everything(), *more])
    assert len(seeded.before) >= 300

    first = night.plan(nights.account, nights.rules)
    assert not first.of(Verdict.ACT)
    assert seeded.states() == seeded.before, "a plan changes nothing"
    assert night.mark(nights.account, first) == []
    assert night.sweep(nights.account, nights.rules, first, "first") == []
    assert seeded.states() == seeded.before, "nothing is done before the grace is over"

    nights.go_on(GRACE + timedelta(minutes=1))
    second = night.plan(nights.account, nights.rules)
    done = night.sweep(nights.account, nights.rules, second, "second")
    seeded.settle()
    assert {one.outcome for one in done} == {Outcome.DONE}
    assert not second.unseen
    assert seeded.states() == seeded.expected()

    third = night.plan(nights.account, nights.rules)
    assert not third.of(Verdict.ACT), "what was swept is not found again"
