"""Create requests made from what Describe calls answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frugal.aws.tags import as_list
from frugal.cleanup.resource import MARK


def creation(client: Any, operation: str, description: Mapping[str, Any], **given: Any) -> Any:
    """The request of the operation with what it takes of a description, `given` members in place of its own.

    What botocore's model does not let the operation take, such as states and times, is left out.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    return _fit({**description, **given}, shape)


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags for a Create call: without the mark, and without AWS's own, which nobody may give."""
    return as_list(
        {
            key: value
            for key, value in tags.items()
            if key != MARK and not key.lower().startswith("aws:")
        }
    )


def tagged(tags: Mapping[str, str]) -> dict[str, Any]:
    """The member Tags of a Create request; none without a tag, as AWS takes no empty one."""
    return {"Tags": listed} if (listed := tag_list(tags)) else {}


def _fit(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure":
        return {
            key: _fit(member, shape.members[key])
            for key, member in value.items()
            if key in shape.members and member is not None
        }
    if shape.type_name == "list":
        return [_fit(member, shape.member) for member in value]
    return value
