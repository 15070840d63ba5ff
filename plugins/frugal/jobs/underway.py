"""What of ours bills now: everything in progress or in service in a region that carries our tags.

The List calls say what there is, as they know a job as soon as it was made. The tagging API then gives the tags of
fifty at a time; what it does not know yet is asked for one by one. So the number of calls follows what is under way
in the account, never what ever ran in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from frugal.aws.tags import ENVIRONMENT, MANAGED_BY, TaskKey, as_dict
from frugal.jobs.kind import JobKind, is_missing
from frugal.jobs.kinds import KINDS

Connect = Callable[[str, str | None], Any]

PAGE = 100
ARNS_A_CALL = 50
UNKNOWN_IN_THE_REGION = "UnknownOperationException"  # so nothing of the kind can be there


@dataclass(frozen=True)
class Underway:
    """One thing that bills; `task` is the Airflow task that made it, None when its tags do not say."""

    kind: JobKind
    name: str
    arn: str
    status: str
    created: datetime
    region: str
    tags: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind.name} {self.name} in {self.region}"

    @property
    def task(self) -> TaskKey | None:
        """Whose it is."""
        return TaskKey.from_tags(self.tags)

    @property
    def serves(self) -> bool:
        """Whether it is what its task was to bring about, and not on the way there."""
        return self.status not in self.kind.underway


def find(connect: Connect, region: str, environment: str) -> tuple[list[Underway], dict[str, str]]:
    """What carries our ownership tag and that of `environment`, oldest first; and kinds that could not be listed,
    with the reason. `connect(service, region)` gives a boto3 client.
    """
    client = connect("sagemaker", region)
    listed: list[Underway] = []
    unseen: dict[str, str] = {}
    for kind in KINDS.values():
        try:
            listed += _listed(client, kind, region)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != UNKNOWN_IN_THE_REGION:
                unseen[kind.name] = str(error)
    tags = _tags(connect, region, [thing.arn for thing in listed])
    ours = {**MANAGED_BY, ENVIRONMENT: environment}
    found = [
        replace(thing, tags=tags[thing.arn])
        for thing in listed
        if ours.items() <= tags[thing.arn].items()
    ]
    return sorted(found, key=lambda thing: (thing.created, thing.name)), unseen


def _listed(client: Any, kind: JobKind, region: str) -> Iterator[Underway]:
    paginator = client.get_paginator(kind.list)
    [result] = paginator.result_keys
    statuses = kind.underway if kind.one_per_attempt else kind.underway | kind.succeeded
    for status in sorted(statuses):
        pages = paginator.paginate(StatusEquals=status, PaginationConfig={"PageSize": PAGE})
        for item in (item for page in pages for item in result.search(page) or []):
            name, arn = item[kind.name_key], item[kind.arn_key]
            yield Underway(kind, name, arn, status, item["CreationTime"], region)


def _tags(connect: Connect, region: str, arns: list[str]) -> dict[str, dict[str, str]]:
    tagging, sagemaker = connect("resourcegroupstaggingapi", region), connect("sagemaker", region)
    tags: dict[str, dict[str, str]] = {}
    for start in range(0, len(arns), ARNS_A_CALL):
        answer = tagging.get_resources(ResourceARNList=arns[start : start + ARNS_A_CALL])
        tags |= {
            item["ResourceARN"]: as_dict(item["Tags"]) for item in answer["ResourceTagMappingList"]
        }
    return tags | {arn: tags_of(sagemaker, arn) for arn in arns if arn not in tags}


def tags_of(client: Any, arn: str) -> dict[str, str]:
    """Tags of one thing, from SageMaker itself; none when it is gone."""
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
    try:
        return as_dict(tag for page in pages for tag in page["Tags"])
    except client.exceptions.ClientError as error:
        if is_missing(error.response["Error"]):
            return {}
        raise
