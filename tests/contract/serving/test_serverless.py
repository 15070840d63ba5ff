"""Serverless endpoints: deployed, asked, throttled at the cap, kept warm and scaled, removed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from frugal.aws import clients
from frugal.jobs.outcome import RolledBack
from tests.contract.serving.conftest import Account
from tests.contract.waiting import await_true


def test_a_version_replaces_another_and_nothing_is_left_in_the_end(account: Account) -> None:
    deploy = "{strategy: serverless, memory_mb: 1024, max_concurrency: 2}"
    spec = account.spec(deploy)
    account.take_live(spec, account.version(10))
    assert account.ask("2") == "20"
    account.take_live(spec, account.version(100))
    assert account.ask("2") == "200"
    broken = account.version(1000)
    broken.results["train"]["artifact"] += ".missing"  # type: ignore[index]
    with pytest.raises(RolledBack):
        account.take_live(spec, broken)
    assert account.ask("2") == "200"
    account.take_away(deploy)


def test_more_than_its_concurrency_is_throttled(account: Account) -> None:
    deploy = "{strategy: serverless, max_concurrency: 1}"
    account.take_live(account.spec(deploy), account.version(10))

    def ask(_: int) -> str:
        try:
            return account.ask("2")
        except ClientError as error:
            return str(error.response["Error"]["Code"])

    def refused() -> bool:
        with ThreadPoolExecutor(8) as pool:
            answers = set(pool.map(ask, range(32)))
        assert answers <= {"20", "ThrottlingException"}
        return "ThrottlingException" in answers

    await_true(refused, "a throttled request")
    account.take_away(deploy)


def test_provisioned_concurrency_is_scaled_and_not_left_behind(account: Account) -> None:
    deploy = "{strategy: serverless, provisioned_concurrency: 1, autoscale: {max: 4}}"
    spec = account.spec(deploy)
    account.take_live(spec, account.version(10))
    autoscaler: Any = clients.client("application-autoscaling")
    (target,) = autoscaler.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{account.name}/variant/main"]
    )["ScalableTargets"]
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredProvisionedConcurrency"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    account.take_live(spec, account.version(100))
    assert account.ask("2") == "200"
    account.take_away(deploy)
