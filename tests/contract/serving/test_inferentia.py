"""Inferentia: real-time endpoints on inf1 and inf2 instances, whose chips this machine does not have."""

from __future__ import annotations

import pytest

from frugal.jobs.outcome import RolledBack
from tests.contract.serving.conftest import Account


@pytest.mark.parametrize("instance", ["ml.inf1.xlarge", "ml.inf2.xlarge"])
def test_a_version_replaces_another_and_nothing_is_left_in_the_end(
    account: Account, instance: str
) -> None:
    deploy = (
        f"{{strategy: inferentia, instance: {instance}, capture_percent: 0, autoscale: {{max: 2}}}}"
    )
    spec = account.spec(deploy)
    account.take_live(spec, account.version(10))
    account.take_live(spec, account.version(100))
    assert account.ask("2") == "200"
    account.take_away(deploy)


def test_inf2_has_guardrails(account: Account) -> None:
    deploy = "{strategy: inferentia, instances: 2, capture_percent: 0, rollout: {kind: canary, bake: 1h}}"
    spec = account.spec(deploy)
    account.take_live(spec, account.version(10))
    broken = account.version(100)
    broken.results["train"]["artifact"] += ".missing"  # type: ignore[index]
    with pytest.raises(RolledBack):
        account.take_live(spec, broken)
    assert account.ask("2") == "20"
    account.take_away(deploy)
