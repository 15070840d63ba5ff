"""The Resource Groups Tagging API, over every service that has ARNs."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import IMAGE, ROLE, LocalAws


@pytest.fixture
def tagging(local_aws: LocalAws) -> Any:
    return local_aws.client("resourcegroupstaggingapi")


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def make_models(local_aws: LocalAws, name: str, count: int) -> list[str]:
    """ARNs of models that carry the tag `group` = the name."""
    sagemaker = local_aws.client("sagemaker")
    return sorted(
        sagemaker.create_model(
            ModelName=f"{name}-{number}",
            PrimaryContainer={"Image": IMAGE},
            ExecutionRoleArn=ROLE,
            Tags=as_list({"group": name, "number": str(number)}),
        )["ModelArn"]
        for number in range(count)
    )


def make_everything(local_aws: LocalAws, name: str) -> dict[str, str]:
    """ARN by type of one tagged resource of each service."""
    tags = {"group": name}
    region, account = "us-east-1", "123456789012"
    [model] = make_models(local_aws, name, 1)
    cloudwatch = local_aws.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule="TRUE", Tags=as_list(tags))
    s3, logs = local_aws.client("s3"), local_aws.client("logs")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": as_list(tags)})
    logs.create_log_group(logGroupName=f"/{name}", tags=tags)
    queue = local_aws.client("sqs").create_queue(QueueName=name, tags=tags)["QueueUrl"]
    assert queue.endswith(name)
    topic = local_aws.client("sns").create_topic(Name=name, Tags=as_list(tags))["TopicArn"]
    rule = local_aws.client("events").put_rule(
        Name=name, ScheduleExpression="rate(1 day)", Tags=as_list(tags)
    )["RuleArn"]
    return {
        "sagemaker:model": model,
        "cloudwatch:alarm": f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
        "s3": f"arn:aws:s3:::{name}",
        "logs:log-group": f"arn:aws:logs:{region}:{account}:log-group:/{name}",
        "sqs": f"arn:aws:sqs:{region}:{account}:{name}",
        "sns": topic,
        "events:rule": rule,
    }


def arns(answer: dict[str, Any]) -> list[str]:
    return [entry["ResourceARN"] for entry in answer["ResourceTagMappingList"]]


def test_every_service_is_found_by_tag_and_by_type(
    local_aws: LocalAws, tagging: Any, name: str
) -> None:
    made = make_everything(local_aws, name)
    group = [{"Key": "group", "Values": [name, "another"]}]
    assert arns(tagging.get_resources(TagFilters=group)) == sorted(made.values())
    for kind, arn in made.items():
        found = tagging.get_resources(TagFilters=group, ResourceTypeFilters=[kind])
        assert arns(found) == [arn], kind
    both = [*group, {"Key": "number"}]
    assert arns(tagging.get_resources(TagFilters=both)) == [made["sagemaker:model"]]
    found = tagging.get_resources(ResourceARNList=[*made.values(), f"{made['sns']}-no"])
    assert set(arns(found)) == set(made.values())
    assert name in tagging.get_tag_values(Key="group")["TagValues"]


def test_all_are_tagged_and_untagged_at_once(local_aws: LocalAws, tagging: Any, name: str) -> None:
    made = [*make_everything(local_aws, name).values()]
    missing = "arn:aws:sagemaker:us-east-1:123456789012:model/no-such-model"
    done = tagging.tag_resources(ResourceARNList=[*made, missing], Tags={"cleanup": "2026-01-01"})
    assert list(done["FailedResourcesMap"]) == [missing]
    mark = [{"Key": "cleanup", "Values": ["2026-01-01"]}, {"Key": "group", "Values": [name]}]
    assert arns(tagging.get_resources(TagFilters=mark)) == sorted(made)
    done = tagging.untag_resources(ResourceARNList=made, TagKeys=["cleanup"])
    assert done["FailedResourcesMap"] == {}
    assert arns(tagging.get_resources(TagFilters=mark)) == []


def test_pages_go_on_after_the_last_one_seen(local_aws: LocalAws, tagging: Any, name: str) -> None:
    made = make_models(local_aws, name, 7)
    asked = {"TagFilters": [{"Key": "group", "Values": [name]}], "ResourcesPerPage": 3}
    first = tagging.get_resources(**asked)
    assert arns(first) == made[:3]
    local_aws.client("sagemaker").delete_model(ModelName=made[0].rpartition("/")[2])
    second = tagging.get_resources(**asked, PaginationToken=first["PaginationToken"])
    assert arns(second) == made[3:6]
    pages = tagging.get_paginator("get_resources").paginate(**asked)
    assert [arn for page in pages for arn in arns(page)] == made[1:]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"ResourcesPerPage": 101}, "from 1 to 100"),
        ({"TagsPerPage": 10}, "from 100 to 500"),
        ({"ResourceARNList": ["arn:aws:s3:::b"], "ResourcesPerPage": 5}, "cannot be combined"),
        ({"PaginationToken": "?"}, "PaginationToken"),
    ],
)
def test_what_does_not_go_together_is_refused(
    tagging: Any, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message) as refused:
        tagging.get_resources(**asked)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
