"""Requests against botocore's shapes: AWS's words, all faults at once."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.errors import AwsError
from local_aws.protocol import project, service_model
from local_aws.validation import check, compiled

MODEL = service_model("sagemaker")
VALID: dict[str, Any] = {"ModelName": "m", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/r"}


def faults(params: dict[str, Any], shape: str = "CreateModelInput") -> str:
    with pytest.raises(AwsError) as caught:
        check(params, MODEL.shape_for(shape))
    return f"{caught.value.code}: {caught.value.message}"


def test_a_valid_request_passes() -> None:
    check(VALID, MODEL.shape_for("CreateModelInput"))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "Value 'null' at 'modelName' failed to satisfy constraint: Member must not be null"),
        (VALID | {"ModelName": "-"}, "Member must satisfy regular expression pattern: "),
        (VALID | {"ModelName": "a\n"}, "Member must satisfy regular expression pattern: "),
        (VALID | {"ModelName": "a" * 64}, "Member must have length less than or equal to 63"),
        (
            VALID | {"Tags": [{"Key": "a", "Value": "b"}, {"Key": "", "Value": "c"}]},
            "at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater",
        ),
        (
            VALID | {"PrimaryContainer": {"Mode": "Neither"}},
            "at 'primaryContainer.mode' failed to satisfy constraint: "
            "Member must satisfy enum value set: [SingleModel, MultiModel]",
        ),
        (
            VALID | {"PrimaryContainer": {"Environment": {"1bad": "x"}}},
            "at 'primaryContainer.environment.key' failed",
        ),
    ],
)
def test_faults_are_named_as_aws_names_them(params: dict[str, Any], message: str) -> None:
    found = faults(params)
    assert found.startswith("ValidationException: 1 validation error detected: ")
    assert message in found


def test_all_faults_are_told_at_once() -> None:
    found = faults({"ModelName": "_", "ExecutionRoleArn": "short"})
    assert "3 validation errors detected" in found


@pytest.mark.parametrize(
    "params",
    [
        {"ModelName": 1},
        {"ModelName": ["m"]},
        VALID | {"EnableNetworkIsolation": "yes"},
        VALID | {"Tags": {"Key": "a"}},
    ],
)
def test_wrong_types_are_serialization_errors(params: dict[str, Any]) -> None:
    assert faults(params).startswith("SerializationException: ")


def test_numbers_are_bounded_and_booleans_are_none() -> None:
    shape = "ResourceConfig"
    assert "SerializationException" in faults({"InstanceCount": True}, shape)
    assert "greater than or equal to 1" in faults({"MaxResults": 0}, "ListModelsInput")


def test_every_pattern_but_java_s_surrogates_is_checked() -> None:
    patterns = {
        name: MODEL.shape_for(name).metadata["pattern"]
        for name in MODEL.shape_names
        if "pattern" in MODEL.shape_for(name).metadata
    }
    unreadable = [pattern for pattern in patterns.values() if compiled(pattern) is None]
    assert all("uD800" in pattern for pattern in unreadable)
    assert len(patterns) - len(unreadable) > 400


def test_projection_drops_what_the_shape_does_not_hold() -> None:
    shape = MODEL.shape_for("EndpointSummary")
    record = {"EndpointName": "e", "_private": 1, "Other": 2, "CreationTime": 1.5}
    assert project(record, shape) == {"EndpointName": "e", "CreationTime": 1.5}
