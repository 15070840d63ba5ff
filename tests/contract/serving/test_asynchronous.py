"""Asynchronous endpoints: asked through S3, scaled to zero and woken, removed."""

from __future__ import annotations

import pytest

from frugal.jobs.outcome import RolledBack
from frugal.serving.ask import NoAnswer, asker
from tests.contract.serving.conftest import Account
from tests.contract.waiting import await_true


def test_a_version_replaces_another_and_nothing_is_left_in_the_end(account: Account) -> None:
    deploy = "{strategy: async, autoscale: {min: 0, max: 2, in_cooldown: 1m}}"
    spec = account.spec(deploy)
    inputs = account.take_live(spec, account.version(10))
    assert asker(spec, inputs)(["2", "3"]) == ["20\n", "30\n"]
    await_true(lambda: account.instances() == 0, "no instance while nothing waits")
    assert asker(spec, inputs)(["4"]) == ["40\n"], "a request wakes it"
    newer = account.take_live(spec, account.version(100))
    assert asker(spec, newer)(["2"]) == ["200\n"]
    account.take_away(deploy)


def test_a_version_that_does_not_come_up_leaves_the_old_one(account: Account) -> None:
    deploy = "{strategy: async}"
    spec = account.spec(deploy)
    inputs = account.take_live(spec, account.version(10))
    broken = account.version(1000)
    broken.results["train"]["artifact"] += ".missing"  # type: ignore[index]
    with pytest.raises(RolledBack):
        account.take_live(spec, broken)
    assert asker(spec, inputs)(["2"]) == ["20\n"]
    account.take_away(deploy)


def test_a_failure_is_told_in_s3(account: Account) -> None:
    deploy = "{strategy: async}"
    spec = account.spec(deploy)
    inputs = account.take_live(spec, account.version(None))
    with pytest.raises(NoAnswer, match="failed"):
        asker(spec, inputs)(["2"])
    account.take_away(deploy)
