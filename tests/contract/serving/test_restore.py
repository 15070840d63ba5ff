"""Back to an earlier version: it serves again and is champion again, and what is newer is rejected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from frugal.aws import clients, registry
from frugal.pipelines.restore import as_trained
from frugal.serving import publish
from frugal.serving.container import CHOSEN
from frugal.serving.names import component_name
from frugal.spec import ModelSpec

from .conftest import INFERENCE, Account, with_result


def ask(account: Account, spec: ModelSpec, live: dict[str, str] | None = None) -> str:
    """What the live version answers to 2, whatever serves it."""
    if spec.deploy.strategy == "scale-to-zero":
        return account.ask("2", InferenceComponentName=component_name(spec))
    return account.ask("2", **(live or {}))


@pytest.mark.parametrize(
    "deploy",
    [
        "{strategy: realtime}",
        "{strategy: scale-to-zero, instance: ml.m5.large, autoscale: {min: 1, max: 2}}",
        "{strategy: multi-model, endpoint: ENDPOINT, instance: ml.m5.large}",
    ],
)
def test_the_version_before_serves_again(account: Account, deploy: str) -> None:
    deploy = deploy.replace("ENDPOINT", account.name)
    spec, shared, packages = account.spec(deploy), "multi-model" in deploy, []
    folder = Path(os.environ["FRUGAL_INCLUDE"]) / "models" / spec.name
    folder.mkdir(parents=True)
    (folder / "inference.py").write_text(INFERENCE)
    for factor in (2, 3, 4):
        inputs = account.version(factor)
        packages.append(account.register(spec, inputs))
    account.take_live(spec, inputs)
    live = publish.go_live(spec, inputs) if shared else None
    assert ask(account, spec, live) == "8"

    chosen = registry.before_champion(spec.name)
    assert chosen == packages[1]
    assert registry.before_champion(spec.name, version=1) == packages[0]
    with pytest.raises(LookupError, match="version 9"):
        registry.before_champion(spec.name, version=9)

    restored = with_result(account.version(1), CHOSEN, registry.describe(chosen))
    if shared:
        restored = as_trained(restored)
    account.take_live(spec, restored)
    live = publish.go_live(spec, restored) if shared else None
    assert ask(account, spec, live) == "6"
    assert registry.restore(spec.name, chosen) == [packages[2]]
    assert registry.restore(spec.name, chosen) == []
    found = clients.client("sagemaker").describe_model_package(ModelPackageName=packages[2])
    assert found["ModelApprovalStatus"] == "Rejected"
    champion = registry.champion(spec.name)
    assert champion is not None
    assert champion.arn == chosen
    account.take_away(deploy)


def test_the_registry_follows_a_deployment_that_failed(account: Account) -> None:
    spec, packages = account.spec("{strategy: serverless}"), []
    for factor in (2, 3):
        inputs = account.version(factor)
        packages.append(account.register(spec, inputs))
    run = inputs.run.id

    def champion() -> str | None:
        found = registry.champion(spec.name)
        return found.arn if found else None

    assert registry.settle(spec.name, run, served=True) is None
    assert champion() == packages[1]
    assert registry.settle(spec.name, run, served=False) == packages[1]
    assert registry.settle(spec.name, run, served=False) is None
    assert champion() == packages[0]
    assert registry.settle(spec.name, run, served=True) == packages[1]
    assert champion() == packages[1]
    registry.restore(spec.name, packages[0])
    assert registry.settle(spec.name, run, served=True) is None, "somebody else rejected it"
    assert champion() == packages[0]
    assert registry.settle(spec.name, "never-registered", served=False) is None
