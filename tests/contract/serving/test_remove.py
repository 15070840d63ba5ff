"""`frugal remove`: it asks, says what went, and leaves what is not ours alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from frugal.cli import app
from frugal.jobs.kinds import KINDS
from frugal.jobs.outcome import AlgorithmFailed
from frugal.serving import remove
from frugal.serving.names import component_name
from frugal.serving.strays import strays
from frugal.stages.deploy import stages
from tests.contract.serving.conftest import Account, Client, text_of
from tests.contract.waiting import await_true

DEPLOY = "{strategy: serverless}"


def write_model(account: Account, deploy: str = DEPLOY) -> None:
    folder = Path(os.environ["FRUGAL_INCLUDE"]) / "models" / account.name
    folder.mkdir(parents=True)
    for script in ("train.py", "inference.py"):
        (folder / script).touch()
    (folder / "model.yaml").write_text(text_of(account.name, deploy))


def test_it_asks_and_says_what_went(account: Account) -> None:
    write_model(account)
    account.take_live(account.spec(DEPLOY), account.version(10))
    account.take_live(account.spec(DEPLOY), account.version(100))
    asked = CliRunner().invoke(app, ["remove", account.name], input="n\n")
    assert asked.exit_code == 1
    assert f"endpoint {account.name}\n" in asked.output
    assert account.ask("2") == "200"
    done = CliRunner().invoke(app, ["remove", account.name, "--yes"])
    assert done.exit_code == 0, done.output
    assert done.output.count("removed endpoint configuration") == 2
    assert done.output.count("removed model") == 2
    assert account.left() == {}
    again = CliRunner().invoke(app, ["remove", account.name, "--yes"])
    assert again.output.strip() == f"nothing serves {account.name}"


def test_what_is_not_ours_stays(account: Account) -> None:
    write_model(account)
    spec, inputs = account.spec(DEPLOY), account.version(10)
    account.take_live(spec, inputs)
    arn = account.status()["EndpointArn"]
    account.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["ManagedBy"])
    refused = CliRunner().invoke(app, ["remove", account.name, "--yes"])
    assert refused.exit_code == 1
    assert "ManagedBy=frugal" in refused.output
    assert account.ask("2") == "20"
    tag = {"Key": "ManagedBy", "Value": "frugal"}
    account.sagemaker.add_tags(ResourceArn=arn, Tags=[tag])
    account.take_away(DEPLOY)


def test_an_endpoint_that_is_being_changed_is_refused_with_the_reason(account: Account) -> None:
    """The change lasts until the new version, which fails, is asked."""
    write_model(account)
    spec = account.spec("{strategy: realtime, instances: 2, rollout: {bake: 1h}}")
    account.take_live(spec, account.version(10))
    (stage,) = stages(spec)
    request = stage.requests[0](account.version(None))
    KINDS["endpoint"].ensure(account.sagemaker, account.name, request)
    refused = CliRunner().invoke(app, ["remove", account.name, "--yes"])
    assert refused.exit_code == 1
    assert "is Updating" in refused.output
    with Client(account.ask, rate=30):
        await_true(lambda: account.status()["EndpointStatus"] == "InService", "the rollback")
    account.take_away(DEPLOY)


def test_what_an_earlier_form_left_is_told_and_removed_alone(account: Account) -> None:
    serverless, batch = account.spec(DEPLOY), account.spec("{strategy: batch}")
    account.take_live(serverless, account.version(10))
    assert strays(serverless) == []
    assert strays(batch) == [account.name]
    write_model(account, "{strategy: batch}")
    gone = CliRunner().invoke(app, ["remove", account.name, "--earlier", "--yes"])
    assert f"removed endpoint {account.name}\n" in gone.output
    assert account.left() == {}
    again = CliRunner().invoke(app, ["remove", account.name, "--earlier", "--yes"])
    assert again.output.strip() == f"nothing else serves {account.name}"
    assert strays(batch) == []


def test_what_another_environment_serves_stays(account: Account) -> None:
    write_model(account)
    spec = account.spec(DEPLOY)
    account.take_live(spec, account.version(10))
    of_environment(account, "prod")
    refused = CliRunner().invoke(app, ["remove", account.name, "--yes"])
    assert refused.exit_code == 1
    assert "of the environment prod, and FRUGAL_ENVIRONMENT is dev" in refused.output
    with pytest.raises(AlgorithmFailed, match="of the environment prod"):
        account.take_live(spec, account.version(100))
    assert account.ask("2") == "20"
    of_environment(account, "dev")
    account.take_away(DEPLOY)


def of_environment(account: Account, environment: str) -> None:
    """Tag the model's endpoint as that of an environment."""
    tags = [{"Key": "frugal:environment", "Value": environment}]
    account.sagemaker.add_tags(ResourceArn=account.status()["EndpointArn"], Tags=tags)


def test_an_endpoint_of_an_earlier_strategy_goes_too(account: Account) -> None:
    account.take_live(account.spec(DEPLOY), account.version(10))
    auto = account.spec("{strategy: auto, traffic: {requests_per_day: 9}}")
    assert remove.find(auto).endpoints == [account.name]
    account.take_away("{strategy: multi-model}")


def test_a_component_that_is_not_ours_keeps_the_endpoint_and_everything_on_it(
    account: Account,
) -> None:
    deploy = "{strategy: scale-to-zero}"
    spec = account.spec(deploy)
    account.take_live(spec, account.version(10))
    component = account.sagemaker.describe_inference_component(
        InferenceComponentName=component_name(spec)
    )
    arn = component["InferenceComponentArn"]
    account.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["ManagedBy"])
    with pytest.raises(remove.NotRemovable, match=f"{component_name(spec)} is without the tag"):
        remove.find(spec)
    tag = {"Key": "ManagedBy", "Value": "frugal"}
    account.sagemaker.add_tags(ResourceArn=arn, Tags=[tag])
    account.take_away(deploy)
