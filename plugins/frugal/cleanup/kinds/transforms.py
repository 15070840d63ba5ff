"""Transform jobs that run: what they need must not go under them. Frugal's reaper stops those that are nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from frugal.cleanup.account import Account
from frugal.cleanup.kind import CleanupKind, Reference
from frugal.cleanup.kinds.sagemaker import looked_up, pages, resource_of, since
from frugal.cleanup.resource import Facts, Resource

NAME = "transform-job"


def _list(account: Account, moment: datetime | None = None) -> Iterator[list[Resource]]:
    for page in pages(
        account,
        "list_transform_jobs",
        "TransformJobSummaries",
        StatusEquals="InProgress",
        **since("CreationTimeAfter", moment),
    ):
        yield [
            resource_of(
                account, NAME, "TransformJob", item, {"stamp": item["CreationTime"].timestamp()}
            )
            for item in page
        ]


def _look(account: Account, resource: Resource) -> Facts:
    found = looked_up(account, "transform_job", TransformJobName=resource.name)
    return {"model": found["ModelName"]}


def _needs(resource: Resource) -> list[Reference]:
    facts = resource.facts or {}
    return [("model", facts["model"])] if "model" in facts else []


KINDS = (
    CleanupKind(
        name=NAME,
        order=15,
        list=_list,
        changed=_list,
        again=lambda account, resource: resource,
        acts={},
        look=_look,
        needs=_needs,
        look_tells="model",
    ),
)
