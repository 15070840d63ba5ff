"""Whole nights over what a model leaves in S3: marked, waited for, swept by recipe, brought back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from frugal.aws import clients
from frugal.cleanup import artifact_deletion, night
from frugal.cleanup.account import Account
from frugal.cleanup.outcome import Outcome
from frugal.cleanup.plan import Verdict
from frugal.cleanup.rules import Rule, Rules
from tests.specs import shortest

OURS = [
    {"Key": "ManagedBy", "Value": "frugal"},
    {"Key": "frugal:environment", "Value": "dev"},
]
RULES = Rules(
    rules={
        "old-checkpoints": Rule(
            kind="s3-checkpoints", when={"past_retention": True}, grace=timedelta(days=3)
        )
    },
    caps={"share": 1.0},
)
NUMBERS = count()
KEYS = {f"churn/runs/over/checkpoints/{number}" for number in range(6)}


@pytest.fixture(params=[False, True], ids=["unversioned", "versioned"])
def bucket(
    aws_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> str:
    """A bucket with the checkpoints of a run that is over."""
    name = f"nights-{'versioned' if request.param else 'plain'}-{request.node.name[5:12].lower()}".replace(
        "_", "-"
    )
    settings = {"INCLUDE": str(tmp_path), "ENVIRONMENT": "dev", "BUCKET": name}
    for variable, value in settings.items():
        monkeypatch.setenv(f"FRUGAL_{variable}", value)
    (tmp_path / "prices").symlink_to(Path(__file__).parents[3] / "include" / "prices")
    folder = tmp_path / "models" / "churn"
    folder.mkdir(parents=True)
    for file in ("train.py", "inference.py"):
        (folder / file).touch()
    (folder / "model.yaml").write_text(shortest())
    s3 = clients.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": OURS})
    if request.param:
        enabled = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=enabled)
    for key in {"churn/runs/over/report.json", *KEYS}:
        s3.put_object(Bucket=name, Key=key, Body=b"content")
    return name


def in_days(days: float) -> Account:
    now = datetime.now(UTC) + timedelta(days=days)
    return night.here(clock=lambda: now)


def checkpoints(bucket: str) -> set[str]:
    return set(clients.list_objects(f"s3://{bucket}/churn/runs/over/checkpoints/"))


def test_checkpoints_are_marked_swept_after_their_grace_and_restored(bucket: str) -> None:
    first = night.plan(in_days(8), RULES)
    assert [item.verdict for item in first.items] == [Verdict.MARK]
    assert night.mark(in_days(8), first) == []
    assert [item.verdict for item in night.plan(in_days(9), RULES).items] == [Verdict.WAIT]
    due = in_days(12)
    [done] = night.sweep(due, RULES, night.plan(due, RULES), "night")
    assert done.outcome is Outcome.DONE, done
    assert done.item.monthly is not None
    assert not checkpoints(bucket)
    assert done.recipe
    night.restore(due, done.recipe)
    assert checkpoints(bucket) == KEYS


def test_what_is_not_old_any_more_when_the_sweep_comes_is_spared(bucket: str) -> None:
    """The sweep looks from an earlier day, to which the checkpoints are as young as if written since."""
    night.mark(in_days(8), night.plan(in_days(8), RULES))
    approved = night.plan(in_days(12), RULES)
    assert [item.verdict for item in approved.items] == [Verdict.ACT]
    [done] = night.sweep(in_days(6), RULES, approved, "night")
    assert done.outcome is Outcome.SPARED
    assert checkpoints(bucket) == KEYS


def test_an_interrupted_sweep_goes_on_and_ends_the_same(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.mark(in_days(8), night.plan(in_days(8), RULES))
    due, remove = in_days(12), artifact_deletion.remove
    approved = night.plan(due, RULES)
    monkeypatch.setattr(artifact_deletion, "PAGE", 2)
    calls = iter(range(9))

    def interrupted(*given: object) -> int:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return remove(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(artifact_deletion, "remove", interrupted)
    with pytest.raises(KeyboardInterrupt):
        night.sweep(due, RULES, approved, "night")
    assert len(checkpoints(bucket)) == 4, "it was interrupted in the second page"
    [done] = night.sweep(due, RULES, night.plan(due, RULES), "night")
    assert done.outcome is Outcome.DONE, done
    assert not checkpoints(bucket)
    assert done.recipe
    night.restore(due, done.recipe)
    assert checkpoints(bucket) == KEYS, "what went before the interruption, too"


def test_nothing_goes_from_a_bucket_that_is_not_ours(bucket: str) -> None:
    clients.client("s3").delete_bucket_tagging(Bucket=bucket)
    assert night.plan(in_days(8), RULES).items == ()
