"""Tags of SageMaker's resources."""

from __future__ import annotations

from local_aws.errors import validation
from local_aws.sagemaker.registry import Call, Params, operation, tags_of

MAX_TAGS = 50


def check_exists(call: Call, arn: str) -> None:
    """Raise `ValidationException` unless the ARN is that of a resource."""
    if not arn.startswith(call.arn("")) or call.app.store.find(arn) is None:
        raise validation(f"Could not find resource {arn}")


@operation("AddTags")
def add_tags(call: Call, params: Params) -> Params:
    arn, new = params["ResourceArn"], tags_of(params)
    check_exists(call, arn)
    if len(call.app.store.tags(arn) | new) > MAX_TAGS:
        raise validation(f"A resource has at most {MAX_TAGS} tags")
    call.app.store.tag(arn, new)
    return {"Tags": as_list(call.app.store.tags(arn))}


@operation("ListTags")
def list_tags(call: Call, params: Params) -> Params:
    check_exists(call, params["ResourceArn"])
    return {"Tags": as_list(call.app.store.tags(params["ResourceArn"]))}


@operation("DeleteTags")
def delete_tags(call: Call, params: Params) -> Params:
    check_exists(call, params["ResourceArn"])
    call.app.store.untag(params["ResourceArn"], params["TagKeys"])
    return {}


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
