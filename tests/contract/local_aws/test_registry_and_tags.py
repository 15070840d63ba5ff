"""The Model Registry, tags, and lists."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import BUCKET, IMAGE, ROLE, LocalAws, await_training, training_request

CONTAINERS = {
    "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


def register(sagemaker: Any, group: str, **more: Any) -> str:
    arn: str = sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=CONTAINERS, **more
    )["ModelPackageArn"]
    return arn


def test_versions_count_up_and_carry_approval_and_metadata(sagemaker: Any, name: str) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    first = register(sagemaker, name, CustomerMetadataProperties={"dataset": "abc"})
    second = register(sagemaker, name, ModelApprovalStatus="Rejected")
    assert (first.rpartition("/")[2], second.rpartition("/")[2]) == ("1", "2")
    described = sagemaker.describe_model_package(ModelPackageName=first)
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["ModelPackageStatus"] == "Completed"
    sagemaker.update_model_package(
        ModelPackageArn=first,
        ModelApprovalStatus="Approved",
        ApprovalDescription="better than the last",
        CustomerMetadataProperties={"code": "def"},
        CustomerMetadataPropertiesToRemove=["dataset"],
    )
    described = sagemaker.describe_model_package(ModelPackageName=first)
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["CustomerMetadataProperties"] == {"code": "def"}
    listed = sagemaker.list_model_packages(
        ModelPackageGroupName=name, ModelApprovalStatus="Rejected"
    )["ModelPackageSummaryList"]
    assert [entry["ModelPackageVersion"] for entry in listed] == [2]
    with pytest.raises(sagemaker.exceptions.ConflictException):
        sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    for arn in (first, second):
        sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)


def test_a_client_token_registers_once(sagemaker: Any, name: str) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    with pytest.raises(ClientError, match="Model Package Group already exists"):
        sagemaker.create_model_package_group(ModelPackageGroupName=name)
    first = register(sagemaker, name, ClientToken="run-1")
    assert register(sagemaker, name, ClientToken="run-1") == first
    assert register(sagemaker, name, ClientToken="run-2") != first


def test_a_model_can_be_made_of_a_package(sagemaker: Any, name: str) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    arn = register(sagemaker, name)
    sagemaker.create_model(
        ModelName=name, PrimaryContainer={"ModelPackageName": arn}, ExecutionRoleArn=ROLE
    )
    container = sagemaker.describe_model(ModelName=name)["PrimaryContainer"]
    assert (container["Image"], container["ModelPackageName"]) == (IMAGE, arn)


def test_tags_are_added_listed_found_and_deleted(
    local_aws: LocalAws, sagemaker: Any, name: str
) -> None:
    arn = sagemaker.create_model_package_group(
        ModelPackageGroupName=name, Tags=[{"Key": "frugal:model", "Value": name}]
    )["ModelPackageGroupArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}])
    assert len(sagemaker.list_tags(ResourceArn=arn)["Tags"]) == 2
    tagging = local_aws.client("resourcegroupstaggingapi")
    found = tagging.get_resources(
        TagFilters=[{"Key": "frugal:model", "Values": [name]}],
        ResourceTypeFilters=["sagemaker:model-package-group"],
    )["ResourceTagMappingList"]
    assert [entry["ResourceARN"] for entry in found] == [arn]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team", "frugal:model"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
    with pytest.raises(ClientError, match="Could not find resource"):
        sagemaker.list_tags(ResourceArn=f"{arn}-no")


def test_lists_filter_sort_and_page(sagemaker: Any, name: str) -> None:
    names = [f"{name}-{number:02d}" for number in range(12)]
    for each in names:
        sagemaker.create_model(
            ModelName=each, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE
        )
    first = sagemaker.list_models(NameContains=name)
    assert [m["ModelName"] for m in first["Models"]] == names[:1:-1]
    second = sagemaker.list_models(NameContains=name, NextToken=first["NextToken"])
    assert [m["ModelName"] for m in second["Models"]] == names[1::-1]
    assert "NextToken" not in second
    pages = sagemaker.get_paginator("list_models").paginate(
        NameContains=name, SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 5}
    )
    assert [m["ModelName"] for page in pages for m in page["Models"]] == names
    with pytest.raises(ClientError, match="NextToken"):
        sagemaker.list_models(NextToken=first["NextToken"])


def test_lists_filter_by_status_and_time(sagemaker: Any, name: str) -> None:
    sagemaker.create_training_job(**training_request(f"{name}-ok"))
    sagemaker.create_training_job(**training_request(f"{name}-bad", mode="fail"))
    done = await_training(sagemaker, f"{name}-ok")
    await_training(sagemaker, f"{name}-bad")
    listed = sagemaker.list_training_jobs(NameContains=name, StatusEquals="Failed")
    assert [j["TrainingJobName"] for j in listed["TrainingJobSummaries"]] == [f"{name}-bad"]
    listed = sagemaker.list_training_jobs(
        NameContains=name, CreationTimeBefore=done["CreationTime"]
    )
    assert [j["TrainingJobName"] for j in listed["TrainingJobSummaries"]] == [f"{name}-ok"]


def test_regions_are_apart(local_aws: LocalAws, sagemaker: Any, name: str) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    elsewhere = local_aws.client("sagemaker", "eu-west-1")
    listed = elsewhere.list_model_package_groups(NameContains=name)
    assert listed["ModelPackageGroupSummaryList"] == []
    arn = elsewhere.create_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
    assert arn == f"arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/{name}"
