"""S3 where moto is laxer than AWS: lifecycle rules, and deletions on a condition."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import BUCKET

EXPIRES = {"Expiration": {"Days": 30}}


def rule(number: int, **members: Any) -> dict[str, Any]:
    return {
        "ID": f"rule-{number}",
        "Status": "Enabled",
        "Filter": {"Prefix": f"{number}/"},
        **members,
    }


def put(s3: Any, *rules: dict[str, Any]) -> None:
    s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": list(rules)}
    )


def test_lifecycle_rules_are_given_back_as_they_were(s3: Any) -> None:
    larger = {"Filter": {"And": {"Prefix": "a/", "ObjectSizeGreaterThan": 200_000}}}
    moved = {"Transitions": [{"Days": 30, "StorageClass": "GLACIER_IR"}]}
    kept = {"NoncurrentVersionExpiration": {"NoncurrentDays": 7, "NewerNoncurrentVersions": 3}}
    aborted = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    rules = [rule(1, **moved) | larger, rule(2, **kept, **aborted), rule(3, **EXPIRES)]
    put(s3, *rules)
    assert s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"] == rules
    s3.delete_bucket_lifecycle(Bucket=BUCKET)
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)


@pytest.mark.parametrize(
    ("rules", "because"),
    [
        ([rule(1)], "At least one action"),
        ([rule(1, **EXPIRES), rule(1, **EXPIRES)], "ID must be unique"),
        ([rule(number, **EXPIRES) for number in range(1001)], "MalformedXML"),
        ([rule(1, Transitions=[{"Days": 7, "StorageClass": "STANDARD_IA"}])], "or equal to 30"),
        (
            [rule(1, Transitions=[{"Days": 30, "StorageClass": "GLACIER_IR"}], **EXPIRES)],
            "must be greater than 'Days' in the Transition",
        ),
        (
            [rule(1, **EXPIRES), {"ID": "old", "Status": "Enabled", "Prefix": "x/", **EXPIRES}],
            "Lifecycle V2",
        ),
    ],
    ids=["no action", "twice", "too many", "too young", "gone before", "both forms"],
)
def test_lifecycle_rules_that_s3_refuses(
    s3: Any, rules: list[dict[str, Any]], because: str
) -> None:
    with pytest.raises(ClientError, match=because):
        put(s3, *rules)


def test_what_was_overwritten_is_not_deleted_under_its_old_etag(s3: Any, name: str) -> None:
    old = s3.put_object(Bucket=BUCKET, Key=f"{name}/changed", Body=b"old")["ETag"]
    same = s3.put_object(Bucket=BUCKET, Key=f"{name}/same", Body=b"same")["ETag"]
    s3.put_object(Bucket=BUCKET, Key=f"{name}/changed", Body=b"new")
    asked = [{"Key": f"{name}/changed", "ETag": old}, {"Key": f"{name}/same", "ETag": same}]
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": asked})
    assert [entry["Key"] for entry in answer["Deleted"]] == [f"{name}/same"]
    assert [entry["Code"] for entry in answer["Errors"]] == ["PreconditionFailed"]
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/")
    assert [entry["Key"] for entry in listed["Contents"]] == [f"{name}/changed"]
