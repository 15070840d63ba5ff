"""The policies in include/infra allow every call that Frugal makes, and nothing that it never calls."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

#: boto3's services that Frugal calls, and what their actions start with in a policy.
SERVICES = {
    "sagemaker": "sagemaker",
    "sagemaker-runtime": "sagemaker",
    "s3": "s3",
    "sts": "sts",
    "ec2": "ec2",
    "cloudwatch": "cloudwatch",
    "application-autoscaling": "application-autoscaling",
    "resourcegroupstaggingapi": "tag",
    "events": "events",
    "sqs": "sqs",
    "sns": "sns",
    "logs": "logs",
}
#: Where the permission is not called as the operation is: AWS's service authorization reference.
NAMED_OTHERWISE = {
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:HeadObject": "s3:GetObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:UploadPartCopy": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:ListParts": "s3:ListMultipartUploadParts",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
#: Needed by AWS for a call that is made, without a call of that name.
IMPLIED = {
    "iam:PassRole",
    "iam:CreateServiceLinkedRole",
    "application-autoscaling:TagResource",
    "cloudwatch:TagResource",
    "s3:DeleteObjectVersion",
    "s3:GetObjectVersion",
    "sqs:TagQueue",
    "events:TagResource",
    "sagemaker:DeleteTags",
    "sagemaker:UpdateInferenceComponentRuntimeConfig",
}
#: Functions whose second argument is the noun of a Describe call.
DESCRIBERS = {"describe", "looked_up"}
#: Called by a name that is put together where it is called.
NAMED_AT_RUN_TIME = {
    "application-autoscaling:DeregisterScalableTarget",
    "sagemaker:DeleteTrainingJob",
    "sagemaker:DeleteProcessingJob",
    "sagemaker:DeleteCompilationJob",
    *(
        f"sagemaker:{verb}{kind}JobDefinition{plural}"
        for verb, plural in (("Create", ""), ("Describe", ""), ("Delete", ""), ("List", "s"))
        for kind in ("DataQuality", "ModelQuality")
    ),
}


@pytest.fixture(scope="module")
def operations() -> dict[str, set[str]]:
    """By the name of a boto3 method, or of a paginator: the permissions that it may need, of one service each."""
    session = botocore.session.get_session()
    found: dict[str, set[str]] = defaultdict(set)
    for service, prefix in SERVICES.items():
        for name in session.get_service_model(service).operation_names:
            action = f"{prefix}:{name}"
            found[xform_name(name)].add(NAMED_OTHERWISE.get(action, action))
    return found


@cache
def called(path: Path) -> frozenset[str]:
    """Names of what a module calls or looks up, and its texts: kinds hold their calls as texts, or as nouns."""
    return frozenset(names(path))


def names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Call) and getattr(node.func, "id", None) in DESCRIBERS:
            nouns = [noun for noun in node.args[1:2] if isinstance(noun, ast.Constant)]
            yield from (f"describe_{noun.value!s}" for noun in nouns)


def allowed(repository: Path) -> set[str]:
    actions: set[str] = set()
    for policy in (repository / "include" / "infra" / "policies").glob("*.json"):
        for statement in json.loads(policy.read_text())["Statement"]:
            given = statement["Action"]
            actions.update([given] if isinstance(given, str) else given)
    return actions


def test_every_call_is_allowed(repository: Path, operations: dict[str, set[str]]) -> None:
    granted, missing = allowed(repository), defaultdict(set)
    for path in sorted((repository / "plugins" / "frugal").rglob("*.py")):
        for name in called(path):
            if name in operations and not operations[name] & granted:
                missing[" or ".join(sorted(operations[name]))].add(path.name)
    assert not missing


def test_nothing_is_allowed_that_is_never_called(
    repository: Path, operations: dict[str, set[str]]
) -> None:
    modules = (repository / "plugins" / "frugal").rglob("*.py")
    known = {name for path in modules for name in called(path)} & operations.keys()
    used = {action for name in known for action in operations[name]}
    assert allowed(repository) - used - IMPLIED - NAMED_AT_RUN_TIME == set()
