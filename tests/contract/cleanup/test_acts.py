"""What is done short of deleting, each taken back again; and the night as the DAG's tasks go through it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyarrow import BufferReader
from typer.testing import CliRunner

from frugal.aws import clients
from frugal.cleanup import night, nightly
from frugal.cleanup.kinds.sagemaker import NotPossible
from frugal.cleanup.outcome import Done, Outcome
from tests.contract.cleanup.account import KINDS, Account
from tests.contract.cleanup.nights import Nights, policy
from tests.contract.cleanup.seeded.seed import BUCKET
from tests.contract.cleanup.seeded.serving import ENDPOINT_STORIES
from tests.contract.cleanup.seeded.stories import FOREIGN, IDLE, OLD

CHECKED = "checked"


@pytest.fixture
def sagemaker(seeded: Account) -> Any:
    if not seeded.seeds:
        seeded.seed([(KINDS["model"], IDLE)])
    return seeded.aws("sagemaker")


def act(kind: str, action: str, when: dict[str, Any]) -> list[Done]:
    """What comes of a rule without a grace."""
    rules = policy({CHECKED: {"kind": kind, "when": when, "action": action}})
    account = night.here()
    name = f"{kind}-{action}"
    return night.sweep(account, rules, night.plan(account, rules), name)


def restore(done: Done) -> None:
    night.restore(night.here(), str(done.recipe))


@pytest.fixture
def shadowed(seeded: Account, sagemaker: Any) -> Iterator[str]:
    """An endpoint with two instances and a shadow variant, made long ago."""
    name, model = "tried", next(name for kind, name in seeded.seeds if kind == "model")
    tags = [{"Key": key, "Value": value} for key, value in IDLE.tags(seeded.environment).items()]
    size = {"ModelName": model, "InstanceType": "ml.m5.large", "InitialVariantWeight": 1.0}
    with seeded.ago(OLD):
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[{"VariantName": "main", "InitialInstanceCount": 2, **size}],
            ShadowProductionVariants=[
                {"VariantName": "challenger", "InitialInstanceCount": 1, **size}
            ],
            Tags=tags,
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=tags)
        seeded.settle()
    yield name
    sagemaker.delete_endpoint(EndpointName=name)
    seeded.settle()


def test_a_forgotten_shadow_test_ends_and_an_endpoint_gives_half_of_its_instances(
    seeded: Account, sagemaker: Any, shadowed: str
) -> None:
    [ended] = act("endpoint", "end-shadow-test", {"shadowed_for": "14d"})
    assert ended.outcome is Outcome.DONE, ended.reason
    found = sagemaker.describe_endpoint(EndpointName=shadowed)
    assert not found.get("ShadowProductionVariants")
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 2

    [scaled] = act("endpoint", "scale-in", {"older_than": "1d", "no_invocations": "14d"})
    assert scaled.outcome is Outcome.DONE, scaled.reason
    assert _instances(sagemaker, shadowed) == 1
    restore(scaled)
    assert _instances(sagemaker, shadowed) == 2

    restore(ended)
    found = sagemaker.describe_endpoint(EndpointName=shadowed)
    assert found["EndpointConfigName"] == shadowed
    assert [v["VariantName"] for v in found["ShadowProductionVariants"]] == ["challenger"]


def _instances(sagemaker: Any, name: str) -> int:
    [variant] = sagemaker.describe_endpoint(EndpointName=name)["ProductionVariants"]
    count: int = variant["CurrentInstanceCount"]
    return count


def test_a_notebook_is_stopped_and_then_taught_to_stop_itself(
    seeded: Account, sagemaker: Any
) -> None:
    [seed] = seeded.seed([(KINDS["notebook-instance"], IDLE)])

    def found() -> dict[str, Any]:
        seeded.settle()
        described: dict[str, Any] = sagemaker.describe_notebook_instance(
            NotebookInstanceName=seed.name
        )
        return described

    [stopped] = act("notebook-instance", "stop", {"status_in": ["InService"]})
    assert (stopped.outcome, found()["NotebookInstanceStatus"]) == (Outcome.DONE, "Stopped")
    [taught] = act("notebook-instance", "stop-when-idle", {"no_lifecycle_configuration": True})
    assert taught.outcome is Outcome.DONE, taught.reason
    assert found()["NotebookInstanceLifecycleConfigName"] == "frugal-stop-when-idle"
    restore(taught)
    assert "NotebookInstanceLifecycleConfigName" not in found()
    restore(stopped)
    assert found()["NotebookInstanceStatus"] == "InService"


def test_what_was_done_is_taken_back(seeded: Account, sagemaker: Any) -> None:
    """One sweep of what has no test of its own."""
    kinds = ("app", "domain", "tracking-server", "log-group", "alarm")
    seeded.seed([(KINDS[kind], story) for kind in kinds for story in (IDLE, FOREIGN)])
    before, account = seeded.before, night.here()
    rules = policy(
        {
            "apps": {"kind": "app", "when": {"older_than": "1d"}},
            "domains": {
                "kind": "domain",
                "when": {"idle_shutdown_off": True, "older_than": "1d"},
                "action": "shut-idle-down",
            },
            "servers": {
                "kind": "tracking-server",
                "when": {"status_in": ["Created"], "older_than": "1d"},
                "action": "stop",
            },
            "logs": {
                "kind": "log-group",
                "when": {"no_retention": True, "older_than": "1d"},
                "action": "set-retention",
            },
            "alarms": {"kind": "alarm", "when": {"vanished": True}},
        }
    )
    done = night.sweep(account, rules, night.plan(account, rules), "taken-back")
    seeded.settle()
    assert {one.outcome for one in done} == {Outcome.DONE}
    assert {one.item.resource.kind for one in done} == set(kinds)
    for one in done:
        restore(one)
    seeded.settle()
    after = seeded.states()
    assert after.keys() == before.keys()
    changed = {after[key] for key, state in before.items() if after[key] != state}
    assert changed <= {"Started"}, "AWS says so of a server that was stopped"


def test_what_is_stopped_loses_its_mark(seeded: Account, sagemaker: Any, nights: Nights) -> None:
    """Started again and forgotten again it is marked anew, and has its grace."""
    [seed] = seeded.seed([(KINDS["tracking-server"], IDLE)])
    rule = {"kind": "tracking-server", "when": {"older_than": "1d"}, "action": "stop"}
    rules = policy({CHECKED: {**rule, "grace": "10m"}})
    night.mark(nights.account, night.plan(nights.account, rules))
    arn = sagemaker.describe_mlflow_tracking_server(TrackingServerName=seed.name)[
        "TrackingServerArn"
    ]

    def marks() -> list[str]:
        tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
        return [tag["Value"] for tag in tags if tag["Key"] == "frugal:cleanup"]

    assert [mark.partition("@")[0] for mark in marks()] == [CHECKED]
    nights.go_on(timedelta(minutes=11))
    plan = night.plan(nights.account, rules)
    assert seed.name in {
        one.item.resource.name
        for one in night.sweep(nights.account, rules, plan, "stopped")
        if one.outcome is Outcome.DONE
    }
    assert not marks()


def test_what_cannot_be_done_to_its_end_is_taken_back(
    seeded: Account, sagemaker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint's scaling goes first; when AWS then refuses to delete it, that comes back."""
    story = next(one for one in ENDPOINT_STORIES if one.name == "idle-on-an-instance")
    [name] = [s.name for s in seeded.seed([(KINDS["endpoint"], story)]) if s.kind == "endpoint"]

    def refuse(account: Any, operation: str, **given: Any) -> bool:
        raise NotPossible("refused")

    with monkeypatch.context() as patched:
        patched.setattr("frugal.cleanup.kinds.endpoints.call", refuse)
        done = act("endpoint", "delete", {"older_than": "1d", "no_invocations": "14d"})
    assert {one.outcome for one in done} == {Outcome.FAILED}
    seeded.settle()
    kinds = {kind for kind, found in seeded.states() if name in found}
    assert {"endpoint", "scalable-target", "scaling-policy"} <= kinds
    assert act("endpoint", "delete", {"status_in": ["InService"], "no_invocations": "14d"})


def test_a_night_of_the_dag(
    seeded: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    """Planned, marked, swept and told of by the same functions that its tasks call; dry until it is not."""
    [idle] = seeded.seed([(KINDS["model"], IDLE)])
    (tmp_path / "models").mkdir()
    (tmp_path / "prices").symlink_to(repository / "include" / "prices")
    (tmp_path / "cleanup.yaml").write_text(
        "caps: {share: 0.000001}\n"
        "rules:\n  models: {kind: model, when: {older_than: 30d, unreferenced: true}}\n"
    )
    monkeypatch.setenv("FRUGAL_INCLUDE", str(tmp_path))
    before = seeded.states()

    dry = nightly.plan("manual__dry")
    assert (dry["dry_run"], dry["exceeded"]) == (True, [])
    assert nightly.sweep(dry, above_caps=True) == {}
    assert seeded.states() == before

    found = nightly.plan("manual__1", dry_run=False)
    assert found["exceeded"], "above its cap a person is asked"
    assert any(idle.name in line for line in found["acts"])
    assert nightly.mark(found) == {"failed": []}
    assert nightly.sweep(found, above_caps=False) == {}, "nobody approved it"
    assert seeded.states() == before

    again = nightly.plan("manual__2", dry_run=False)
    home = night.here()
    later = [home, replace(home, region="eu-west-1")]
    monkeypatch.setattr(nightly, "_accounts", lambda: later)  # a model came to train there since
    assert nightly.sweep(again, above_caps=True)["done"] >= 1
    assert ("model", idle.name) not in seeded.states()
    kept = nightly.report(again, {})["kept"]
    bucket, key = clients.split_uri(kept)
    body = clients.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    rows = pq.read_table(BufferReader(body)).to_pylist()
    assert {row["state"] for row in rows if row["name"] == idle.name} == {"done"}
    assert bucket == BUCKET


def test_a_night_by_hand(seeded: Account, sagemaker: Any, tmp_path: Path) -> None:
    """`frugal cleanup` shows, `--apply` acts and names the recipe that `frugal restore` takes."""
    from frugal.cli import app

    [idle] = seeded.seed([(KINDS["endpoint-config"], IDLE)])[-1:]
    rules = tmp_path / "cleanup.yaml"
    rules.write_text(
        "caps: {share: 0.000001}\n"
        "rules:\n  configs: {kind: endpoint-config, when: {older_than: 30d, unreferenced: true}}\n"
    )

    def frugal(*words: str, answer: str = "", code: int = 0) -> str:
        done = CliRunner().invoke(app, list(words), input=answer)
        assert done.exit_code == code, done.output
        return done.output

    def is_there() -> bool:
        return ("endpoint-config", idle.name) in seeded.states()

    shown = frugal("cleanup", "--rules", str(rules))
    assert f"act    delete endpoint-config {idle.name}" in shown
    assert "above a cap: " in shown
    frugal("cleanup", "--rules", str(rules), "--apply")
    assert is_there(), "above its caps it does nothing"
    shown = frugal(
        *("cleanup", "--rules", str(rules), "--apply", "--above-caps"), answer="n\n", code=1
    )
    assert "mark 0? [y/N]" in shown
    assert is_there(), "it was not approved"
    told = frugal("cleanup", "--rules", str(rules), "--apply", "--yes", "--above-caps")
    assert not is_there(), told
    [recipe] = re.findall(rf"{idle.name} .*\(restore: (\S+)\)", told)
    assert f"restored endpoint configuration {idle.name}" in frugal("restore", recipe)
    assert is_there()
