"""Inference components: copies that come and go with the requests, down to none; rolled back, removed."""

from __future__ import annotations

import pytest

from frugal.jobs.outcome import RolledBack
from frugal.serving.ask import asker
from frugal.serving.names import component_name
from tests.contract.serving.conftest import Account
from tests.contract.waiting import await_true

DEPLOY = "{strategy: scale-to-zero, autoscale: {min: 0, max: 2, in_cooldown: 1m}}"


def copies(account: Account) -> int:
    described = account.sagemaker.describe_inference_component(
        InferenceComponentName=component_name(account.spec(DEPLOY))
    )
    return int(described["RuntimeConfig"]["CurrentCopyCount"])


def test_it_sleeps_and_wakes_and_takes_a_new_version(account: Account) -> None:
    spec = account.spec(DEPLOY)
    inputs = account.take_live(spec, account.version(10))
    assert asker(spec, inputs)(["2"]) == ["20\n"]
    await_true(lambda: copies(account) == 0, "no copy while nobody asks")
    assert asker(spec, inputs)(["3"]) == ["30\n"], "a request wakes it"
    config = account.status()["EndpointConfigName"]
    newer = account.take_live(spec, account.version(100))
    assert asker(spec, newer)(["2"]) == ["200\n"]
    assert account.status()["EndpointConfigName"] == config
    account.take_away(DEPLOY)


def test_a_version_that_does_not_start_leaves_the_old_one(account: Account) -> None:
    spec = account.spec(DEPLOY)
    inputs = account.take_live(spec, account.version(10))
    broken = account.version(100)
    broken.results["train"]["artifact"] += ".missing"  # type: ignore[index]
    with pytest.raises(RolledBack):
        account.take_live(spec, broken)
    assert asker(spec, inputs)(["2"]) == ["20\n"]
    account.take_away(DEPLOY)
