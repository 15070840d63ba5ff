"""What models leave in S3: found when nobody needs it, deleted in pages, and brought back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from frugal.aws import clients
from frugal.cleanup.account import Account
from frugal.cleanup.kinds import KINDS
from frugal.cleanup.night import here
from frugal.cleanup.references import collect, units
from frugal.cleanup.resource import Resource
from tests.specs import shortest

MODEL = shortest() + "retention: {rejected: 1, noncurrent: {keep: 1, after: 30d}}\n"
OURS = [
    {"Key": "ManagedBy", "Value": "frugal"},
    {"Key": "frugal:environment", "Value": "dev"},
]
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::000000000000:role/frugal-serve"
NUMBERS = count()
DAY = timedelta(days=1)


class Bucket:
    """A bucket of the model `churn`, looked at so many days from now."""

    def __init__(self, name: str, models: Path) -> None:
        self.name, self.models = name, models
        self.s3, self.sagemaker = clients.client("s3"), clients.client("sagemaker")
        self.s3.create_bucket(Bucket=name)
        self.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": OURS})

    def model(self, name: str, text: str) -> None:
        folder = self.models / name
        folder.mkdir(parents=True)
        (folder / "train.py").touch()
        (folder / "inference.py").touch()
        (folder / "model.yaml").write_text(text)

    def fill(self, *keys: str) -> None:
        for key in keys:
            self.s3.put_object(Bucket=self.name, Key=key, Body=b"content")

    @property
    def keys(self) -> set[str]:
        return set(clients.list_objects(f"s3://{self.name}/"))

    def account(self, days: float) -> Account:
        now = datetime.now(UTC) + days * DAY
        return here(clock=lambda: now)

    def due(self, kind: str, days: float) -> dict[str, Resource]:
        """What is past its retention by then, by name."""
        pages = KINDS[kind].list(self.account(days))
        found = [resource for page in pages for resource in page]
        return {
            resource.name: resource
            for resource in found
            if resource.facts and resource.facts["due"]
        }

    def sweep(self, kind: str, days: float) -> list[tuple[Any, Any]]:
        """Delete that; returns the act and the recipe of each."""
        account, done = self.account(days), []
        for resource in self.due(kind, days).values():
            fresh = KINDS[kind].again(account, resource)
            act = KINDS[kind].acts["delete"]
            assert fresh
            recipe = act.recipe(account, fresh)
            assert recipe is not None
            recipe = json.loads(json.dumps(recipe))
            act.do(account, fresh, recipe)
            done.append((act, recipe))
        return done

    def restore(self, done: list[tuple[Any, Any]], days: float) -> None:
        for act, recipe in done:
            assert act.undo
            act.undo(self.account(days), recipe)

    def register(self, run: str, status: str, dataset: str = "aa") -> str:
        groups = self.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
        if not any(group["ModelPackageGroupName"] == "churn" for group in groups):
            self.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
        data = f"s3://{self.name}/churn/runs/{run}/model/job/output/model.tar.gz"
        container = {"Image": IMAGE, "ModelDataUrl": data}
        lineage = {"frugal.model_data": data, "frugal.fingerprint": dataset}
        lineage["frugal.source"] = f"s3://{self.name}/churn/code/{dataset}.tar.gz"
        arn: str = self.sagemaker.create_model_package(
            ModelPackageGroupName="churn",
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            CustomerMetadataProperties=lineage,
        )["ModelPackageArn"]
        return arn

    def serve(self, name: str, run: str) -> None:
        data = f"s3://{self.name}/churn/runs/{run}/compiled/model.tar.gz"
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": data},
        )


@pytest.fixture
def bucket(
    aws_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bucket]:
    """One of its own, with nothing in the registry and no models."""
    monkeypatch.setenv("FRUGAL_INCLUDE", str(tmp_path))
    monkeypatch.setenv("FRUGAL_ENVIRONMENT", "dev")
    (tmp_path / "prices").symlink_to(Path(__file__).parents[3] / "include" / "prices")
    bucket = Bucket(f"artifacts-{next(NUMBERS)}", tmp_path / "models")
    bucket.model("churn", MODEL)
    monkeypatch.setenv("FRUGAL_BUCKET", bucket.name)
    yield bucket
    sagemaker = bucket.sagemaker
    for model in sagemaker.list_models()["Models"]:
        sagemaker.delete_model(ModelName=model["ModelName"])
    for group in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]:
        name = group["ModelPackageGroupName"]
        packages = sagemaker.list_model_packages(ModelPackageGroupName=name)
        for package in packages["ModelPackageSummaryList"]:
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
        sagemaker.delete_model_package_group(ModelPackageGroupName=name)


@pytest.fixture(params=[False, True], ids=["unversioned", "versioned"])
def either_bucket(bucket: Bucket, request: pytest.FixtureRequest) -> Bucket:
    """With and without versioning."""
    if request.param:
        bucket.s3.put_bucket_versioning(
            Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"}
        )
    return bucket


def test_checkpoints_of_a_run_that_is_over_go_and_come_back(either_bucket: Bucket) -> None:
    bucket = either_bucket
    over = {f"churn/runs/over/checkpoints/{number}" for number in range(3)}
    bucket.fill("churn/runs/over/report.json", "churn/runs/open/checkpoints/0", *over)
    before = bucket.keys
    assert not bucket.due("s3-checkpoints", 6)
    [found] = bucket.due("s3-checkpoints", 8).values()
    assert (found.name, found.owner, found.model) == (
        "churn/runs/over/checkpoints/",
        "growth",
        "churn",
    )
    assert found.ours("dev")
    assert found.facts
    assert found.facts["bytes"] == 3 * len("content")

    done = bucket.sweep("s3-checkpoints", 8)
    trash = {key for key in bucket.keys if key.startswith("cleanup/trash/")}
    assert bucket.keys - trash == before - over
    assert bucket.sweep("s3-checkpoints", 8) == [], "once is enough"
    bucket.restore(done, 8)
    bucket.restore(done, 8)
    assert bucket.keys == before
    body = bucket.s3.get_object(Bucket=bucket.name, Key=min(over))["Body"].read()
    assert body == b"content"


def test_a_run_without_a_report_keeps_its_checkpoints_until_nobody_can_mean_it(
    bucket: Bucket,
) -> None:
    bucket.fill("churn/runs/open/checkpoints/0")
    assert not bucket.due("s3-checkpoints", 29)
    assert bucket.due("s3-checkpoints", 31)


def test_a_run_whose_job_is_under_way_keeps_its_checkpoints(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.fill("churn/runs/over/report.json", "churn/runs/over/checkpoints/0")
    assert bucket.due("s3-checkpoints", 60)
    job = {"CheckpointConfig": {"S3Uri": f"s3://{bucket.name}/churn/runs/over/checkpoints"}}
    monkeypatch.setattr("frugal.cleanup.references._under_way", lambda client: [job])
    assert not bucket.due("s3-checkpoints", 60)


def test_what_was_written_meanwhile_stays(either_bucket: Bucket) -> None:
    """Between the last look and the deletion: once more recently, once at the same second with other content."""
    bucket = either_bucket
    keys = [f"churn/runs/over/checkpoints/{number}" for number in range(2)]
    bucket.fill("churn/runs/over/report.json", *keys)
    account, kind = bucket.account(8), KINDS["s3-checkpoints"]
    [resource] = bucket.due("s3-checkpoints", 8).values()
    act = kind.acts["delete"]
    recipe = act.recipe(account, resource)
    assert recipe is not None
    later = {**recipe, "until": (datetime.fromisoformat(recipe["until"]) - DAY).isoformat()}
    act.do(account, resource, later)
    assert set(keys) <= bucket.keys, "all are newer than that"

    listed = account.client("s3")

    class Overwriting:
        """Another writer, who comes right before each deletion."""

        def __getattr__(self, name: str) -> Any:
            if name == "delete_objects":
                listed.put_object(Bucket=bucket.name, Key=keys[0], Body=b"new")
            return getattr(listed, name)

    busy = replace(account, connect=lambda service, region: Overwriting())
    [line] = act.do(busy, resource, recipe)
    assert line.startswith("1 objects below churn/runs/over/checkpoints/, 1 were written meanwhile")
    assert bucket.s3.get_object(Bucket=bucket.name, Key=keys[0])["Body"].read() == b"new"
    assert keys[1] not in bucket.keys


def test_models_of_runs_go_when_they_lost_or_nobody_names_them(bucket: Bucket) -> None:
    runs = ["champion", "lost-first", "lost-last", "served", "orphan"]
    for run in runs:
        base = f"churn/runs/{run}"
        bucket.fill(
            f"{base}/model/job/output/model.tar.gz",
            f"{base}/compiled/model.tar.gz",
            f"{base}/evaluation/portable/model.tar.gz",
            f"{base}/evaluation/evaluation.json",
            f"{base}/report.json",
        )
    bucket.register("lost-first", "Rejected")
    bucket.register("champion", "Approved")
    bucket.register("lost-last", "Rejected")
    bucket.serve("churn-model", "served")
    assert bucket.due("s3-run-models", 1).keys() == {"churn/runs/lost-first/"}
    assert bucket.due("s3-run-models", 31).keys() == {
        "churn/runs/lost-first/",
        "churn/runs/orphan/",
    }
    bucket.sweep("s3-run-models", 31)
    left = {key for key in bucket.keys if key.startswith("churn/runs/orphan/")}
    assert left == {"churn/runs/orphan/report.json", "churn/runs/orphan/evaluation/evaluation.json"}
    assert "churn/runs/champion/compiled/model.tar.gz" in bucket.keys
    assert "churn/runs/served/compiled/model.tar.gz" in bucket.keys


@pytest.mark.parametrize(
    ("kind", "folder", "name"),
    [
        ("s3-dataset", "churn/datasets/{}/train/part-0.parquet", "churn/datasets/{}"),
        ("s3-code", "churn/code/{}.tar.gz", "churn/code/{}"),
    ],
)
def test_datasets_and_code_go_by_mark_and_sweep(
    bucket: Bucket, kind: str, folder: str, name: str
) -> None:
    bucket.fill(*(folder.format(unit) for unit in ("aa", "bb", "cc", "dd")))
    bucket.register("champion", "Approved", dataset="bb")
    assert not bucket.due(kind, 29)
    assert bucket.due(kind, 31).keys() == {name.format("aa"), name.format("cc")}
    bucket.register("again", "Approved", dataset="cc")
    bucket.sweep(kind, 31)
    assert {folder.format(unit) for unit in ("bb", "cc", "dd")} <= bucket.keys
    assert folder.format("aa") not in bucket.keys


def test_what_comes_to_be_needed_before_it_goes_is_not_due_any_more(bucket: Bucket) -> None:
    bucket.fill("churn/runs/orphan/compiled/model.tar.gz")
    [found] = bucket.due("s3-run-models", 31).values()
    bucket.serve("churn-late", "orphan")
    fresh = KINDS["s3-run-models"].again(bucket.account(31), found)
    assert fresh
    assert fresh.facts
    assert fresh.facts["due"] is False


def test_what_holds_units_is_described_once_a_night(bucket: Bucket) -> None:
    """However many units are looked at again before they go."""
    bucket.fill(*(f"churn/runs/orphan-{number}/compiled/model.tar.gz" for number in range(3)))
    bucket.register("champion", "Approved")
    bucket.serve("churn-served", "served")
    account, kind = bucket.account(31), KINDS["s3-run-models"]
    described: list[str] = []
    events = account.client("sagemaker").meta.events
    events.register("before-call.sagemaker", lambda model, **_: described.append(model.name))
    found = [resource for page in kind.list(account) for resource in page]
    again = [kind.again(account, resource) for resource in found]
    assert [one.facts["due"] for one in again if one and one.facts] == [True] * 3
    assert described.count("DescribeModel") == described.count("DescribeModelPackage") == 1
    bucket.serve("churn-late", "orphan-0")
    late = kind.again(account, found[0])
    assert late
    assert late.facts
    assert late.facts["due"] is False, "what is new is described"


def test_what_a_recipe_would_bring_back_keeps_what_it_needs(bucket: Bucket) -> None:
    bucket.fill("churn/runs/swept/compiled/model.tar.gz")
    data = f"s3://{bucket.name}/churn/runs/swept/compiled/model.tar.gz"
    bucket.s3.put_object(
        Bucket=bucket.name,
        Key="cleanup/recipes/model-1-delete.json",
        Body=json.dumps({"recipe": {"PrimaryContainer": {"ModelDataUrl": data}}}),
    )
    account, kind = bucket.account(31), KINDS["s3-run-models"]
    [found] = [resource for page in kind.list(account) for resource in page]
    assert found.facts
    assert found.facts["due"] is True, "the recipe is 31 days old, too"
    recent = replace(account, clock=lambda: datetime.now(UTC) + 29 * DAY)
    assert "churn/runs/swept" in collect(recent, []).held


def test_a_job_holds_what_its_hyperparameters_name() -> None:
    job = {"HyperParameters": {"sagemaker_submit_directory": '"s3://b/churn/code/ab12.tar.gz"'}}
    assert units([job]) == {"churn/code/ab12"}


def test_nothing_is_swept_when_what_is_needed_cannot_be_read(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.fill("churn/runs/orphan/model/model.tar.gz")
    bucket.register("champion", "Approved")
    account = bucket.account(31)

    class Refusing:
        """Not allowed to read one thing."""

        def __getattr__(self, name: str) -> Any:
            if name == "describe_model_package":
                raise bucket.sagemaker.exceptions.ClientError(
                    {"Error": {"Code": "AccessDeniedException"}}, name
                )
            return getattr(bucket.sagemaker, name)

    def connect(service: str, region: str | None) -> Any:
        return Refusing() if service == "sagemaker" else clients.client(service, region)

    with pytest.raises(bucket.sagemaker.exceptions.ClientError):
        list(KINDS["s3-run-models"].list(replace(account, connect=connect)))


def test_captured_days_beyond_their_window_go(bucket: Bucket) -> None:
    today = datetime.now(UTC)
    old, young = (f"{today - days * DAY:%Y/%m/%d}" for days in (92, 80))
    keys = [
        f"churn/capture/churn/main/{day}/0{hour}/a.jsonl" for day in (old, young) for hour in (1, 2)
    ]
    bucket.fill(*keys, f"churn/capture/input/{old}/03/b.jsonl", "churn/capture/notes.txt")
    assert bucket.due("s3-captured", 0).keys() == {
        f"churn/capture/churn/main/{old}/",
        f"churn/capture/input/{old}/",
    }
    bucket.sweep("s3-captured", 0)
    kept = {key for key in bucket.keys if key.startswith("churn/")}
    assert kept == {*keys[2:], "churn/capture/notes.txt"}


def test_what_multi_model_endpoints_that_are_gone_served_goes(bucket: Bucket) -> None:
    bucket.fill("serving/gone/models/rents/r1.tar.gz", "serving/gone/current/rents.json")
    bucket.fill("serving/there/models/rents/r1.tar.gz")
    models = f"s3://{bucket.name}/serving/there/models/"
    container = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": models}
    bucket.sagemaker.create_model(
        ModelName="shared", ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    assert not bucket.due("s3-serving", 29)
    before = bucket.keys
    done = bucket.sweep("s3-serving", 31)
    assert {key for key in bucket.keys if key.startswith("serving/")} == {
        "serving/there/models/rents/r1.tar.gz"
    }
    bucket.restore(done, 31)
    assert bucket.keys == before
    text = MODEL.replace("churn", "rents") + "deploy: {strategy: multi-model}\n"
    bucket.model("rents", text)
    assert not bucket.due("s3-serving", 31), "a model is still to be served there"


def test_incomplete_uploads_are_aborted(bucket: Bucket) -> None:
    for key in ("churn/raw/big.csv", "other/big.csv"):
        upload = bucket.s3.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
        part = {"Bucket": bucket.name, "Key": key, "UploadId": upload}
        bucket.s3.upload_part(**part, PartNumber=1, Body=b"part")
    assert not bucket.due("s3-upload", 6)
    [found] = bucket.due("s3-upload", 8).values()
    assert found.facts
    assert found.facts["bytes"] == len(b"part")
    bucket.sweep("s3-upload", 8)
    uploads = bucket.s3.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
    assert [upload["Key"] for upload in uploads] == ["other/big.csv"], "no model's"


def test_noncurrent_versions_go_beyond_the_newest_of_each(bucket: Bucket) -> None:
    bucket.s3.put_bucket_versioning(
        Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"}
    )
    for body in (b"1", b"2", b"3"):
        bucket.s3.put_object(Bucket=bucket.name, Key="churn/raw/a.csv", Body=body)
        bucket.s3.put_object(Bucket=bucket.name, Key="other/a.csv", Body=body)
    bucket.fill("churn/raw/gone.csv")
    [only] = bucket.s3.list_object_versions(Bucket=bucket.name, Prefix="churn/raw/gone.csv")[
        "Versions"
    ]
    bucket.s3.delete_object(Bucket=bucket.name, Key="churn/raw/gone.csv")
    bucket.s3.delete_object(
        Bucket=bucket.name, Key="churn/raw/gone.csv", VersionId=only["VersionId"]
    )
    assert not bucket.due("s3-versions", 29)
    bucket.sweep("s3-versions", 31)
    listed = bucket.s3.list_object_versions(Bucket=bucket.name)
    bodies = [
        bucket.s3.get_object(
            Bucket=bucket.name, Key="churn/raw/a.csv", VersionId=version["VersionId"]
        )["Body"].read()
        for version in listed["Versions"]
        if version["Key"] == "churn/raw/a.csv"
    ]
    assert bodies == [b"3", b"2"]
    assert not listed.get("DeleteMarkers")
    assert sum(version["Key"] == "other/a.csv" for version in listed["Versions"]) == 3


def test_trash_goes_for_good(bucket: Bucket) -> None:
    bucket.fill("cleanup/trash/s3-checkpoints-1/churn/a", "cleanup/trash/s3-checkpoints-1/churn/b")
    account, kind = bucket.account(40), KINDS["s3-trash"]
    [resource] = [resource for page in kind.list(account) for resource in page]
    assert resource.facts
    assert resource.facts["changed"]
    assert resource.ours("dev")
    act = kind.acts["delete"]
    recipe = act.recipe(account, resource)
    assert recipe is not None
    act.do(account, resource, recipe)
    assert not bucket.keys
    assert kind.again(account, resource) is None
    assert act.undo is None


def test_more_than_a_page_goes_at_once(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frugal.cleanup.artifact_deletion.PAGE", 4)
    keys = [f"churn/runs/over/checkpoints/{number:02}" for number in range(11)]
    bucket.fill("churn/runs/over/report.json", *keys)
    before, calls = bucket.keys, []
    events = bucket.account(8).client("s3").meta.events
    events.register("before-call.s3.DeleteObjects", lambda **_: calls.append(1))
    done = bucket.sweep("s3-checkpoints", 8)
    assert len(calls) == 3
    bucket.restore(done, 8)
    assert bucket.keys == before
