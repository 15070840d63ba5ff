"""Real-time endpoints: deployed, asked, updated, scaled, rolled back, removed."""

from __future__ import annotations

import time
from math import sqrt
from typing import Any

import pytest
from botocore.exceptions import ClientError

from frugal.aws import clients
from frugal.jobs.outcome import RolledBack
from tests.contract.serving.conftest import Account, Client
from tests.contract.waiting import await_true

#: Longer than an alarm takes on the slowest machine: what is rolled back does not wait for its end.
LONG_BAKE = "1h"


def test_a_version_replaces_another_and_nothing_is_left_in_the_end(account: Account) -> None:
    deploy = "{strategy: realtime, capture_percent: 100}"
    spec = account.spec(deploy)
    account.take_live(spec, account.version(10))
    assert account.ask("2") == "20"
    account.take_live(spec, account.version(100))
    assert account.ask("2") == "200"
    account.take_away(deploy)
    with pytest.raises(ClientError, match="not found"):
        account.ask()


def test_a_bad_version_is_caught_by_the_canary_while_a_client_asks(account: Account) -> None:
    share = 0.2
    deploy = (
        "{strategy: realtime, instances: 2, capture_percent: 0, rollout: {percent: 20, bake: %s}}"
    )
    deploy %= LONG_BAKE
    spec = account.spec(deploy)
    account.take_live(spec, account.version(10))
    served = account.status()["EndpointConfigName"]
    with Client(account.ask, rate=50) as client:
        await_true(lambda: client.counts()["20"] >= 20, "the first answers")
        with pytest.raises(RolledBack, match=r"still serves .* alarm .*errors"):
            account.take_live(spec, account.version(None))
        rolled_back = time.monotonic()
        await_true(lambda: client.counts(since=rolled_back)["20"] >= 20, "answers afterwards")
        after = client.counts(since=rolled_back)
        failures = [at for at, answer in client.answers if answer != "20"]
        during = (
            client.counts(since=min(failures)).total() - client.counts(since=max(failures)).total()
        )
    assert set(after) == {"20"}, "the old model alone serves after the rollback"
    assert 0 < len(failures) <= share * during + 5 * sqrt(during * share * (1 - share)) + 1
    assert account.status()["EndpointStatus"] == "InService"
    assert account.status()["EndpointConfigName"] == served
    account.take_away(deploy)


@pytest.mark.parametrize(
    "rollout",
    [
        "{kind: all-at-once, bake: 1m}",
        "{kind: linear, percent: 50, bake: 1m}",
        "{kind: rolling, percent: 50, bake: 1m}",
    ],
)
def test_a_good_version_goes_through_without_a_failed_request(
    account: Account, rollout: str
) -> None:
    deploy = f"{{strategy: realtime, instances: 2, capture_percent: 0, rollout: {rollout}}}"
    spec = account.spec(deploy)
    account.take_live(spec, account.version(10))
    with Client(account.ask, rate=30) as client:
        client.await_answers(1)
        account.take_live(spec, account.version(100))
        done = time.monotonic()
        await_true(lambda: client.counts(since=done)["200"] >= 5, "the new version's answers")
        assert set(client.counts()) == {"20", "200"}
        assert set(client.counts(since=done)) == {"200"}
    config = account.status()["EndpointConfigName"]
    assert account.left()["alarms"] == [f"frugal/{account.name}/{config}/errors"]
    account.take_away(deploy)


def test_instances_follow_the_load_out_and_in_without_a_failed_request(account: Account) -> None:
    """A target of 480 requests a minute and instance is 8 a second."""
    deploy = (
        "{strategy: realtime, capture_percent: 0, "
        "autoscale: {min: 1, max: 3, target: 480, out_cooldown: 30s, in_cooldown: 1m}}"
    )
    spec = account.spec(deploy)
    account.take_live(spec, account.version(10))
    assert account.instances() == 1
    with Client(account.ask, rate=5) as client:
        for rate in (10, 20, 40):
            client.rate = rate
            client.await_answers(10)
        await_true(lambda: account.instances() == 3, "3 instances under load")
        client.rate = 2
        await_true(lambda: account.instances() == 1, "1 instance when the load is gone")
        assert set(client.counts()) == {"20"}
    account.take_away(deploy)


def test_an_update_to_other_instances_takes_scaling_off_and_puts_it_on_again(
    account: Account,
) -> None:
    scaled = "autoscale: {min: 1, max: 2}"
    account.take_live(account.spec(f"{{strategy: realtime, {scaled}}}"), account.version(10))
    larger = f"{{strategy: realtime, instance: ml.m5.xlarge, {scaled}}}"
    account.take_live(account.spec(larger), account.version(10))
    autoscaler: Any = clients.client("application-autoscaling")
    (target,) = autoscaler.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{account.name}/variant/main"]
    )["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 2)
    account.take_live(account.spec("{strategy: realtime}"), account.version(10))
    assert account.left().keys() == {"endpoints", "configs", "models"}
    account.take_away("{strategy: realtime}")
