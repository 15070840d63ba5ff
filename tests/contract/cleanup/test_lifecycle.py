"""Lifecycle rules from model.yaml in a bucket that others have rules in, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from frugal.aws import clients
from frugal.cli import app
from tests.specs import shortest

FOREIGN = {
    "ID": "logs",
    "Status": "Enabled",
    "Filter": {"Prefix": "logs/"},
    "Expiration": {"Days": 30},
}
OURS = [
    {"Key": "ManagedBy", "Value": "frugal"},
    {"Key": "frugal:environment", "Value": "dev"},
]


class Bucket:
    """A bucket, the models that share it, and the command that keeps its rules."""

    def __init__(self, name: str, include: Path) -> None:
        self.name, self.include = name, include
        self.s3 = clients.client("s3")
        self.s3.create_bucket(Bucket=name)
        self.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": OURS})

    def model(self, name: str, retention: str = "") -> None:
        folder = self.include / "models" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "train.py").touch()
        (folder / "inference.py").touch()
        (folder / "model.yaml").write_text(shortest(name) + retention)

    def fill(self, prefix: str, *sizes: int) -> None:
        for number, size in enumerate(sizes):
            self.s3.put_object(Bucket=self.name, Key=f"{prefix}{number}", Body=bytes(size))

    def put(self, *rules: dict[str, Any]) -> None:
        self.s3.put_bucket_lifecycle_configuration(
            Bucket=self.name, LifecycleConfiguration={"Rules": list(rules)}
        )

    @property
    def rules(self) -> dict[str, dict[str, Any]]:
        found = self.s3.get_bucket_lifecycle_configuration(Bucket=self.name)["Rules"]
        return {rule["ID"]: rule for rule in found}

    def run(self, *arguments: str, answer: str = "", fails: bool = False) -> str:
        done = CliRunner().invoke(app, ["cleanup", "lifecycle", *arguments], input=answer)
        assert (done.exit_code != 0) is fails, done.output
        return done.output

    def diff(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.run("--json"))
        return shown


@pytest.fixture
def bucket(
    aws_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Bucket:
    """One of its own, ours."""
    name = f"lifecycle-{abs(hash(request.node.name))}"
    monkeypatch.setenv("FRUGAL_BUCKET", name)
    monkeypatch.setenv("FRUGAL_INCLUDE", str(tmp_path))
    monkeypatch.setenv("FRUGAL_ENVIRONMENT", "dev")
    (tmp_path / "prices").symlink_to(Path(__file__).parents[3] / "include" / "prices")
    return Bucket(name, tmp_path)


def test_rules_are_shown_and_applied_when_approved_and_foreign_ones_stay(bucket: Bucket) -> None:
    bucket.put(FOREIGN)
    bucket.model(
        "churn", "retention: {captured: 60d, uploads: 3d, noncurrent: {keep: 2, after: 9d}}"
    )
    bucket.model("rents")
    shown = bucket.run()
    assert "+ frugal/dev/churn/capture: churn/capture/: objects go after 60 days" in shown
    assert "logs: foreign, stays as it is" in shown
    assert bucket.rules == {"logs": FOREIGN}, "a diff changed something"
    bucket.run("--apply", answer="n\n", fails=True)
    assert bucket.rules == {"logs": FOREIGN}, "it was not approved"

    bucket.run("--apply", "--yes")
    assert bucket.rules["logs"] == FOREIGN
    assert bucket.rules["frugal/dev/churn/leftovers"] == {
        "ID": "frugal/dev/churn/leftovers",
        "Status": "Enabled",
        "Filter": {"Prefix": "churn/"},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 9, "NewerNoncurrentVersions": 2},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3},
    }
    assert {"frugal/dev/rents/capture", "frugal/dev/rents/batch-out"} <= bucket.rules.keys()
    again = bucket.diff()
    assert not any(again[change] for change in ("add", "change", "remove"))


def test_what_changed_and_what_nobody_wants_is_shown(bucket: Bucket) -> None:
    bucket.model("churn", "retention: {captured: 60d}")
    other = {**FOREIGN, "ID": "frugal/prod/churn/capture"}
    gone = {**FOREIGN, "ID": "frugal/dev/sold/capture", "Filter": {"Prefix": "sold/capture/"}}
    bucket.run("--apply", "--yes")
    bucket.put(*bucket.rules.values(), other, gone)
    bucket.model("churn", "retention: {captured: 30d}")
    shown = bucket.run("--apply", "--yes")
    assert "    - Expiration: {'Days': 60}\n    + Expiration: {'Days': 30}" in shown
    assert "- frugal/dev/sold/capture" in shown
    assert bucket.rules["frugal/dev/churn/capture"]["Expiration"] == {"Days": 30}
    assert "frugal/dev/sold/capture" not in bucket.rules
    assert bucket.rules["frugal/prod/churn/capture"] == other, "another environment's"


def test_objects_move_only_where_that_saves(bucket: Bucket) -> None:
    moves = (
        "retention: {captured: 40d, transitions: {"
        "raw: {storage_class: GLACIER_IR, after: 30d}, "
        "capture: {storage_class: GLACIER_IR, after: 35d}, "
        "datasets: {storage_class: GLACIER_IR, after: 30d, reads: 2}, "
        "runs: {storage_class: INTELLIGENT_TIERING, after: 30d}, "
        "monitor: {storage_class: INTELLIGENT_TIERING, after: 30d}}}"
    )
    bucket.model("churn", moves)
    bucket.fill("churn/raw/", 200_000, 150_000, 1000)
    bucket.fill("churn/runs/r1/", 90_000, 100_000)
    bucket.run("--apply", "--yes")
    assert bucket.rules["frugal/dev/churn/raw-move"]["Filter"] == {
        "And": {"Prefix": "churn/raw/", "ObjectSizeGreaterThan": 131_071}
    }
    shown = bucket.diff()
    assert shown["why"]["frugal/dev/churn/raw-move"].startswith("2 objects of 341.8 KB today save")
    left_out = {line.split(":")[1].split()[0]: line for line in shown["left_out"]}
    assert "never saves" in left_out["churn/capture/"], "Glacier bills 90 days of its 5"
    assert "2 of them read a month" in left_out["churn/datasets/"]
    assert "the 2 there are below" in left_out["churn/runs/"], "too small for the monitoring fee"
    assert "nothing lies there yet" in left_out["churn/monitor/"]


def test_an_unknown_price_moves_nothing(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.model("churn", "retention: {transitions: {raw: {storage_class: GLACIER_IR}}}")
    bucket.fill("churn/raw/", 200_000)
    monkeypatch.setattr("frugal.cli.lifecycle.price_table", _empty)
    [reason] = bucket.diff()["left_out"]
    assert "the price of s3_standard_gb_month in us-east-1 is unknown" in reason


def _empty() -> Any:
    from frugal.cost.prices import PriceTable

    return PriceTable("2026-01-01", "USD", {})


def test_models_that_share_a_prefix_are_refused(bucket: Bucket) -> None:
    bucket.model("churn", "retention: {transitions: {raw: {storage_class: GLACIER_IR}}}")
    text = shortest("rents").replace("  target:", "  raw: churn/raw\n  target:", 1)
    bucket.model("rents")
    (bucket.include / "models" / "rents" / "model.yaml").write_text(
        text + "retention: {transitions: {raw: {storage_class: STANDARD_IA}}}"
    )
    bucket.fill("churn/raw/", 2_000_000)
    shown = bucket.run(fails=True)
    assert (
        "frugal/dev/churn/raw-move and frugal/dev/rents/raw-move are about the same objects"
        in shown
    )


def test_a_bucket_that_is_not_ours_is_left_alone(bucket: Bucket) -> None:
    bucket.model("churn")
    bucket.s3.delete_bucket_tagging(Bucket=bucket.name)
    shown = bucket.run("--apply", "--yes", fails=True)
    assert "does not carry the tags ManagedBy=frugal, frugal:environment=dev" in shown


def test_rules_of_the_deprecated_form_and_broad_ones_are_pointed_out(bucket: Bucket) -> None:
    bucket.model("churn")
    everything = {**FOREIGN, "ID": "all", "Filter": {"Prefix": ""}, "Expiration": {"Days": 9}}
    bucket.put(everything)
    [warning] = bucket.diff()["warnings"]
    assert warning.startswith("all (foreign, every object) does the same to objects of frugal/dev/")
    old = {key: value for key, value in FOREIGN.items() if key != "Filter"}
    bucket.put({**old, "Prefix": "logs/"})
    shown = bucket.run("--apply", "--yes", fails=True)
    assert "deprecated form (Prefix in place of Filter)" in shown
