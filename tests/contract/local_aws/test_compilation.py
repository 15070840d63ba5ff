"""Compilation jobs, from plain boto3."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import BUCKET, ROLE, archive, unpack


def request(name: str, **output: Any) -> dict[str, Any]:
    return {
        "CompilationJobName": name,
        "RoleArn": ROLE,
        "InputConfig": {
            "S3Uri": f"s3://{BUCKET}/{name}/model.tar.gz",
            "DataInputConfig": '{"data": [1, 3]}',
            "Framework": "XGBOOST",
        },
        "OutputConfig": {"S3OutputLocation": f"s3://{BUCKET}/{name}/compiled"}
        | (output or {"TargetDevice": "ml_c5"}),
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def await_compilation(sagemaker: Any, name: str) -> dict[str, Any]:
    def described() -> dict[str, Any] | None:
        found: dict[str, Any] = sagemaker.describe_compilation_job(CompilationJobName=name)
        return found if found["CompilationJobStatus"] in ("COMPLETED", "FAILED") else None

    result: dict[str, Any] = await_true(described, f"{name} to end")
    return result


def test_a_model_is_compiled(sagemaker: Any, s3: Any, name: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=archive({"a.model": "trees"}))
    sagemaker.create_compilation_job(**request(name))
    job = await_compilation(sagemaker, name)
    assert (job["CompilationJobStatus"], job["FailureReason"]) == ("COMPLETED", "")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == (
        f"s3://{BUCKET}/{name}/compiled/model-ml_c5.tar.gz"
    )
    assert job["InferenceImage"] == (
        "785573368785.dkr.ecr.us-east-1.amazonaws.com/xgboost-neo:latest"
    )
    key = f"{name}/compiled/model-ml_c5.tar.gz"
    compiled = unpack(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert compiled == {"compiled.bin": "seert"}
    (summary,) = sagemaker.list_compilation_jobs(NameContains=name)["CompilationJobSummaries"]
    assert summary["CompilationTargetDevice"] == "ml_c5"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive({"a.txt": "x"}), "No valid XGBoost model file found"),
        (b"not an archive", "Unable to untar input model"),
        (None, "Unable to download the model"),
    ],
)
def test_what_cannot_be_compiled_fails_with_the_reason(
    sagemaker: Any, s3: Any, name: str, content: bytes | None, reason: str
) -> None:
    if content is not None:
        s3.put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=content)
    sagemaker.create_compilation_job(**request(name))
    job = await_compilation(sagemaker, name)
    assert job["CompilationJobStatus"] == "FAILED"
    assert job["FailureReason"].startswith("ClientError: InputConfiguration")
    assert reason in job["FailureReason"]


def test_targets_that_aws_refuses_are_refused(sagemaker: Any, name: str) -> None:
    with pytest.raises(ClientError, match="only in us-east-2"):
        sagemaker.create_compilation_job(**request(name, TargetDevice="ml_inf2"))
    both = {"TargetDevice": "ml_c5", "TargetPlatform": {"Os": "LINUX", "Arch": "X86_64"}}
    with pytest.raises(ClientError, match="exactly one of"):
        sagemaker.create_compilation_job(**request(name, **both))
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_compilation_job(CompilationJobName=name)


@pytest.mark.parametrize(
    ("given", "device", "reason"),
    [
        ({"FrameworkVersion": "2.13"}, "ml_c5", "2.13 is not supported for PYTORCH on ml_c5; supported: 1.4, "),
        ({"FrameworkVersion": "2.0"}, "ml_inf1", "2.0 is not supported for PYTORCH on ml_inf1; supported: 1.7, "),
        ({"FrameworkVersion": "1.9", "DataInputConfig": ""}, "ml_inf1", "DataInputConfig is required for PYTORCH"),
        ({"Framework": "XGBOOST"}, "ml_inf1", "XGBOOST models are not compiled for ml_inf1"),
        ({"FrameworkVersion": "1.9"}, "ml_inf1", "this machine has Neo's compiler for XGBOOST alone"),
        ({"FrameworkVersion": "2.0.1"}, "ml_c5", "this machine has Neo's compiler for XGBOOST alone"),
    ],
)  # fmt: skip
def test_networks_are_held_against_neos_matrix_and_never_pretended_to_be_compiled(
    sagemaker: Any, s3: Any, name: str, given: dict[str, str], device: str, reason: str
) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=archive({"model.pth": "x"}))
    asked = request(name, TargetDevice=device)
    asked["InputConfig"] |= {
        "Framework": "PYTORCH",
        "DataInputConfig": '{"input0": [1, 3]}',
        **given,
    }
    if not asked["InputConfig"]["DataInputConfig"]:
        del asked["InputConfig"]["DataInputConfig"]
    sagemaker.create_compilation_job(**asked)
    job = await_compilation(sagemaker, name)
    assert job["CompilationJobStatus"] == "FAILED"
    assert reason in job["FailureReason"]
