"""Back to an earlier version: it serves again and is champion again, and what is newer is rejected."""

from __future__ import annotations

import pytest

from frugal.aws import clients, registry
from frugal.serving.container import CHOSEN

from .conftest import Account, with_result


@pytest.mark.parametrize("deploy", ["{strategy: serverless}", "{strategy: realtime}"])
def test_the_version_before_serves_again(account: Account, deploy: str) -> None:
    spec = account.spec(deploy)
    packages = []
    for factor in (2, 3, 4):
        inputs = account.version(factor)
        packages.append(account.register(spec, inputs))
    account.take_live(spec, inputs)
    assert account.ask("2") == "8"

    chosen = registry.before_champion(spec.name)
    assert chosen == packages[1]
    assert registry.before_champion(spec.name, version=1) == packages[0]
    with pytest.raises(LookupError, match="version 9"):
        registry.before_champion(spec.name, version=9)

    restored = with_result(account.version(1), CHOSEN, {"package": chosen})
    account.take_live(spec, restored)
    assert account.ask("2") == "6"
    assert registry.restore(spec.name, chosen) == [packages[2]]
    assert registry.restore(spec.name, chosen) == []
    found = clients.client("sagemaker").describe_model_package(ModelPackageName=packages[2])
    assert found["ModelApprovalStatus"] == "Rejected"
    champion = registry.champion(spec.name)
    assert champion is not None
    assert champion.arn == chosen
    account.take_away(deploy)
