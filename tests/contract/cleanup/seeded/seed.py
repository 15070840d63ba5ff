"""The types of seeding: what was seeded, and a kind of thing that can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.cleanup.seeded.light import Clients
from tests.contract.cleanup.seeded.stories import COMMON, Story

GONE = "gone"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
NO_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/no-such-image:1"
ROLE = "arn:aws:iam::123456789012:role/frugal-seeded"
BUCKET = "seeded-account"
ARTEFACT = f"s3://{BUCKET}/model.tar.gz"

#: By what a thing is called in its List call -> its state.
States = dict[str, str]


@dataclass(frozen=True)
class Seed:
    """One thing that was made: its kind, what AWS calls it, its story, and whether it is to be acted on."""

    kind: str
    name: str
    story: str
    acted: bool


@dataclass
class Ground:
    """What is seeded into: an account of an environment. `then` is done once everything stands, in the present."""

    aws: Clients
    environment: str
    then: list[Callable[[], None]] = field(default_factory=list)

    def tags(self, story: Story) -> list[dict[str, str]]:
        """As most of AWS's services want them."""
        return as_list(self.mapping(story))

    def mapping(self, story: Story) -> dict[str, str]:
        """As the others do."""
        return story.tags(self.environment)


Make = Callable[[Ground, str, Story], Iterator[Seed]]


@dataclass(frozen=True)
class SeededKind:
    """`make` makes one of a name and tells what all it made; `states` lists what there is; `done` is the state after
    cleaning up acted on one."""

    name: str
    make: Make
    states: Callable[[Ground], States]
    done: str = GONE
    stories: tuple[Story, ...] = COMMON


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def listed(
    service: str, operation: str, member: str, name: str, state: str = "", **asked: Any
) -> Callable[[Ground], States]:
    """What a List or Describe call shows: by the member `name`, the member `state` (there is one: "there")."""

    def states(ground: Ground) -> States:
        pages = ground.aws(service).get_paginator(operation).paginate(**asked)
        found = [item for page in pages for item in page[member]]
        return {item[name]: str(item.get(state, "there")) for item in found}

    return states
