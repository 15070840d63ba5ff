"""The tags of what moto has: buckets, queues, topics, event buses and their rules, log groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local_aws.backing.backends import backend
from local_aws.backing.objects import ObjectStore
from local_aws.backing.snapshots import Snapshots

SERVICES = ("events", "logs", "s3", "sns", "sqs")

Tags = dict[str, str]


def tagged(services: set[str], region: str) -> Iterator[tuple[str, Tags]]:
    """(ARN, tags) of what has any, of some of the services; buckets are those of all regions."""
    for service in SERVICES:
        if service not in services:
            continue
        found = backend(service, _place(service, region))
        for resource in found.iter_tagged_resources():
            if resource.tags:
                yield resource.arn, dict(resource.tags)
        if service == "events":
            yield from _rules(found)


def _place(service: str, region: str) -> str:
    return "aws" if service == "s3" else region


def _rules(events: Any) -> Iterator[tuple[str, Tags]]:
    for bus in events.event_buses.values():
        for rule in bus.rules.values():
            if tags := events.tagger.get_tag_dict_for_resource(rule.arn):
                yield rule.arn, dict(tags)


def change_tags(
    objects: ObjectStore, snapshots: Snapshots, arn: str, added: Tags, removed: list[str]
) -> None:
    """Add tags, or remove them by key, and keep that. Raises when there is no such resource."""
    _, _, service, region, _, name = arn.split(":", 5)
    if service not in SERVICES:
        raise KeyError(arn)
    found = backend(service, _place(service, region))
    if service == "sqs":
        if added:
            found.tag_queue(name, added)
        else:
            found.untag_queue(name, removed)
    elif added:
        found.tag_resource(arn, added)
    else:
        found.untag_resource(arn, removed)
    if service == "s3":
        objects.commit_bucket(name)
    else:
        snapshots.save(service)
