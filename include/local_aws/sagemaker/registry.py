"""Operations by name, filled in by the modules that implement them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_aws.app import arn
from local_aws.errors import AwsError

if TYPE_CHECKING:
    from local_aws.app import App

Params = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """Who is asked: the local AWS and the region of the request."""

    app: App
    region: str

    def arn(self, resource: str) -> str:
        return arn(self.region, resource)


Handler = Callable[[Call, Params], Params]

HANDLERS: dict[str, Handler] = {}


def operation(name: str) -> Callable[[Handler], Handler]:
    """Make a function the implementation of a SageMaker operation.

    It receives validated parameters and returns the output's members; what the output shape does
    not hold is dropped.
    """

    def register(handler: Handler) -> Handler:
        HANDLERS[name] = handler
        return handler

    return register


def tags_of(params: Params) -> dict[str, str]:
    """The request's Tags as a dict. Raises `ValidationException` for a key given twice."""
    tags: dict[str, str] = {}
    for tag in params.get("Tags", []):
        if tag["Key"] in tags:
            raise AwsError(
                "ValidationException", f"Duplicate tag keys found: {tag['Key']} is given twice"
            )
        if tag["Key"].lower().startswith("aws:"):
            raise AwsError(
                "ValidationException", f"Tag keys must not start with aws:, as {tag['Key']} does"
            )
        tags[tag["Key"]] = tag["Value"]
    return tags
