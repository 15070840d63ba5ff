"""A version beside the champion: what of it callers see, and how its trial ends, either way."""

from __future__ import annotations

from typing import Any

import pytest

from frugal.aws import registry
from frugal.aws.run import Inputs
from frugal.jobs.outcome import RolledBack
from frugal.serving import trial
from frugal.spec import ModelSpec
from frugal.stages.common import Stage
from tests.contract.serving.conftest import Account, Client, with_champion, with_result

DEPLOY = "{strategy: realtime, capture_percent: 0, trial: {kind: %s, percent: 50}%s}"
#: An hour is longer than an alarm takes on the slowest machine: what is rolled back does not wait for its end.
GUARDED = ", rollout: {kind: all-at-once, bake: %s}"


def begin(account: Account, spec: ModelSpec, factor: float | None) -> tuple[Inputs, str, str]:
    """A champion, 10, and a challenger beside it; the challenger's inputs, and both packages."""
    champion = account.version(10)
    account.take_live(spec, champion)
    first = account.register(spec, champion)
    challenger = with_champion(account.version(factor), first)
    second = account.register(spec, challenger)
    return account.take_live(spec, challenger), first, second


def end(account: Account, spec: ModelSpec, inputs: Inputs, verdict: str) -> None:
    """What the promote DAG does."""
    chosen: dict[str, Any] = trial.choose(spec, verdict)
    stage = Stage(
        "deploy", account.name, [lambda _: _request(spec, inputs, chosen)], (), "endpoint"
    )
    account.run(stage, inputs)
    trial.decide(verdict, chosen["package"])


def _request(spec: ModelSpec, inputs: Inputs, chosen: dict[str, Any]) -> dict[str, Any]:
    return trial.verdict_request(spec, with_result(inputs, trial.CHOSEN, chosen))


@pytest.mark.parametrize(
    ("kind", "verdict"), [("shadow", trial.PROMOTE), ("split", trial.WITHDRAW)]
)
def test_a_trial_stands_beside_the_champion_and_ends_as_it_is_decided(
    account: Account, kind: str, verdict: str
) -> None:
    deploy = DEPLOY % (kind, GUARDED % "1m" if kind == "shadow" else "")
    spec = account.spec(deploy)
    inputs, first, second = begin(account, spec, 100)
    answers = {account.ask("2") for _ in range(40)}
    assert answers == ({"20"} if kind == "shadow" else {"20", "200"})
    found = registry.champion(account.name)
    assert found
    assert found.arn == first, "a version on trial is nobody's champion"
    end(account, spec, inputs, verdict)
    promoted = verdict == trial.PROMOTE
    assert {account.ask("2") for _ in range(20)} == {"200" if promoted else "20"}
    found = registry.champion(account.name)
    assert found
    assert found.arn == (second if promoted else first)
    with pytest.raises(trial.NoTrial, match="serves one version"):
        trial.choose(spec, verdict)
    account.take_away(deploy)


def test_a_shadow_that_fails_in_the_open_is_rolled_back_to_the_champion(account: Account) -> None:
    """Its answers, which are errors, were seen by nobody before."""
    deploy = DEPLOY % ("shadow", GUARDED % "1h")
    spec = account.spec(deploy)
    inputs, first, _ = begin(account, spec, None)
    with Client(account.ask, rate=30), pytest.raises(RolledBack, match="alarm"):
        end(account, spec, inputs, trial.PROMOTE)
    assert account.ask("2") == "20"
    found = registry.champion(account.name)
    assert found
    assert found.arn == first
    account.take_away(deploy)
