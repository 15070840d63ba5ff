"""What models leave in S3, in units that go as a whole: a run's checkpoints, a dataset, a day of captured traffic.

A unit is a Resource: its name is the start of its keys, its tags are the bucket's, and its owner and model are those of
the model.yaml. Facts:

    prefixes   the starts of its keys, where these are not its name alone
    changed    when something in it was last written
    objects, bytes
    due        whether it is past what model.yaml's `retention` keeps; None when that cannot be told
    why        that in words
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from frugal.aws.tags import MODEL
from frugal.cleanup import store
from frugal.cleanup.account import Account
from frugal.cleanup.reap import known_specs
from frugal.cleanup.references import References, collect
from frugal.cleanup.resource import OWNER, Resource
from frugal.cost import storage
from frugal.spec import ModelSpec

#: Finds units of one model; with a name that one alone, as it is now.
Find = Callable[["Place", ModelSpec, str], Iterator["Unit"]]
T = TypeVar("T")
NO_TAGS = "NoSuchTagSet"
PAGE = 100


@dataclass(frozen=True)
class Unit:
    """Objects that go together. `changed` is when the last of them was written, None when there are none."""

    name: str
    objects: int = 0
    bytes: int = 0
    changed: datetime | None = None
    prefixes: tuple[str, ...] = ()
    due: bool | None = None
    why: str = ""


class Place:
    """The bucket of an account at one time, as finding units needs it. What is asked of it is asked once for the
    `listing` of all kinds, and anew for everything that is looked at again.
    """

    def __init__(self, account: Account, *, listing: bool = False) -> None:
        self.account = account
        self._answers: dict[str, Any] = account.seen.setdefault("s3", {}) if listing else {}

    def _once(self, question: str, ask: Callable[[], T]) -> T:
        if question not in self._answers:
            self._answers[question] = ask()
        answer: T = self._answers[question]
        return answer

    @property
    def references(self) -> References:
        """What anybody needs of what models left."""
        return self._once("references", lambda: collect(self.account, known_specs()))

    @property
    def s3(self) -> Any:
        """The client that reads and writes it."""
        return self.account.client("s3")

    @property
    def bucket(self) -> str:
        """Its name."""
        return self.account.bucket

    def exists(self) -> bool:
        """Whether there is a bucket."""
        return self._once("exists", lambda: store.is_there(self.s3, self.bucket))

    def arn(self, key: str) -> str:
        """The ARN of what lies below a key."""
        return f"arn:{self.s3.meta.partition}:s3:::{self.bucket}/{key}"

    def objects(self, prefix: str) -> Iterator[dict[str, Any]]:
        """Everything below a prefix, a page of a thousand at a time."""
        pages = self.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
            yield from page.get("Contents", [])

    def folders(self, prefix: str) -> Iterator[str]:
        """The folders right below a prefix that ends in a slash, each ending in one."""
        pages = self.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/"):
            yield from (item["Prefix"] for item in page.get("CommonPrefixes", []))

    def older(self, changed: datetime | None, age: timedelta) -> bool:
        """Whether something was last written longer ago than `age`."""
        return changed is not None and self.account.clock() - changed > age

    def tags(self) -> dict[str, str]:
        """The bucket's."""
        return self._once("tags", self._tags)

    def _tags(self) -> dict[str, str]:
        try:
            found = self.s3.get_bucket_tagging(Bucket=self.bucket)["TagSet"]
        except self.s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != NO_TAGS:
                raise
            return {}
        return {tag["Key"]: tag["Value"] for tag in found}

    def versioned(self) -> bool:
        """Whether a deletion leaves the object behind as a version."""
        return self._once("versioned", self._versioned)

    def _versioned(self) -> bool:
        return bool(self.s3.get_bucket_versioning(Bucket=self.bucket).get("Status") == "Enabled")


class Sum:
    """Objects counted one by one."""

    def __init__(self) -> None:
        self.objects, self.bytes = 0, 0
        self.changed: datetime | None = None

    def add(self, item: Mapping[str, Any]) -> None:
        """One more, as ListObjectsV2 has it."""
        self.objects += 1
        self.bytes += item["Size"]
        self.changed = max(filter(None, (self.changed, item["LastModified"])))

    @classmethod
    def of(cls, items: Iterable[Mapping[str, Any]]) -> Sum:
        """All of `items`."""
        total = cls()
        for item in items:
            total.add(item)
        return total


def lister(kind: str, find: Find) -> Callable[[Account], Iterator[list[Resource]]]:
    """The `list` of a CleanupKind: the units of each model that has a model.yaml."""

    def units(account: Account) -> Iterator[list[Resource]]:
        place = Place(account, listing=True)
        if not place.exists():
            return
        tags = place.tags()
        for spec in known_specs():
            for some in batched(find(place, spec, ""), PAGE):
                yield [_resource(kind, place, spec, tags, unit) for unit in some]

    return units


def again(kind: str, find: Find) -> Callable[[Account, Resource], Resource | None]:
    """The `again` of a CleanupKind: one unit anew, with what refers to it now."""

    def unit(account: Account, resource: Resource) -> Resource | None:
        place = Place(account)
        for spec in known_specs():
            if spec.name == resource.model:
                for found in find(place, spec, resource.name):
                    return _resource(kind, place, spec, place.tags(), found)
        return None

    return unit


def monthly(account: Account, resource: Resource) -> float | None:
    """Dollars a month of a unit's bytes, as if they lay in STANDARD; None when the price is unknown."""
    return storage.month(account.prices, account.region, (resource.facts or {}).get("bytes", 0))


def prefixes(resource: Resource) -> Sequence[str]:
    """The starts of a unit's keys."""
    found: Sequence[str] = (resource.facts or {}).get("prefixes") or (resource.name,)
    return found


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of `size`, none held longer than needed."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def _resource(
    kind: str, place: Place, spec: ModelSpec, tags: Mapping[str, str], unit: Unit
) -> Resource:
    return Resource(
        kind=kind,
        name=unit.name,
        region=place.account.region,
        arn=place.arn(unit.name),
        tags={**tags, MODEL: spec.name, OWNER: spec.owner.team},
        facts={
            "prefixes": list(unit.prefixes),
            "changed": unit.changed,
            "objects": unit.objects,
            "bytes": unit.bytes,
            "due": unit.due,
            "why": unit.why,
        },
    )
