"""One thing in an AWS account, as far as cleaning up has to know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from frugal.aws.names import digest
from frugal.aws.tags import ENVIRONMENT, MANAGED_BY, MODEL

OWNER = "frugal:owner"
#: On what shall stay: any value for good, a day or a time in ISO 8601 until it is over.
KEEP = "frugal:keep"
#: On what is to go: `<rule>@<time in ISO 8601>`.
MARK = "frugal:cleanup"

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A thing of the kind of that name in `cleanup.kinds`.

    `tags` are its own; of what AWS lets nobody tag, those of what it belongs to, such as a model package's group.
    `facts` are what its List call says of it, and what looking at it found: see its kind. `facts` is None when it
    was not looked at: then nothing that rests on it is judged.
    """

    kind: str
    name: str
    region: str
    arn: str | None = None
    created: datetime | None = None
    status: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    facts: Facts | None = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind} {self.name} in {self.region}"

    @property
    def id(self) -> str:
        """What its recipe, its mark and its line in the journal are found by; another one of its name has another."""
        made = self.created and int(self.created.timestamp())
        return f"{self.kind}-{digest(self.region, self.name, made)}"

    @property
    def owner(self) -> str | None:
        """The team that pays for it."""
        return self.tags.get(OWNER)

    @property
    def model(self) -> str | None:
        """The model that it was made for."""
        return self.tags.get(MODEL)

    @property
    def environment(self) -> str | None:
        """FRUGAL_ENVIRONMENT of the Airflow that made it."""
        return self.tags.get(ENVIRONMENT)

    def ours(self, environment: str) -> bool:
        """Whether it carries our ownership tag and that of `environment`: nothing else is ever acted on."""
        return is_ours(self.tags, environment)


def is_ours(tags: Mapping[str, str], environment: str) -> bool:
    """Whether tags are those of what this Airflow made."""
    return MANAGED_BY.items() <= tags.items() and tags.get(ENVIRONMENT) == environment
