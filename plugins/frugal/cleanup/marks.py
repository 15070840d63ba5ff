"""Marks: what is to go says so itself, by a tag with the rule and the time from which it may go.

Where AWS has no tags, a document in S3 says it. Tags are put through the tagging API, twenty things a call.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from frugal.cleanup import store
from frugal.cleanup.account import Account
from frugal.cleanup.kind import CleanupKind
from frugal.cleanup.plan import Item, Verdict
from frugal.cleanup.resource import MARK

ARNS_A_CALL = 20  # TagResources, botocore's model
ATTEMPTS = 5

log = logging.getLogger(__name__)


def load(account: Account) -> dict[str, str]:
    """Marks of what carries no tags, by the resource's id."""
    return store.read(account, "marks", f"{account.region}.json") or {}


def put(account: Account, items: Iterable[Item], kinds: Mapping[str, CleanupKind]) -> list[str]:
    """Mark what the plan says is to be marked, and take the marks off what is spared. Returns what could not be."""
    by_value: dict[str, list[str]] = defaultdict(list)
    kept: dict[str, str | None] = {}
    unmarked: list[str] = []
    for item in items:
        value = None
        if item.verdict is Verdict.MARK and item.due is not None:
            value = f"{item.rule}@{item.due.isoformat(timespec='seconds')}"
        elif not (item.verdict is Verdict.SPARE and item.marked):
            continue
        resource = item.resource
        if not kinds[resource.kind].markable or resource.arn is None:
            kept[resource.id] = value
        elif value is None:
            unmarked.append(resource.arn)
        else:
            by_value[value].append(resource.arn)
    client = account.client("resourcegroupstaggingapi")
    failed = []
    for value, arns in by_value.items():
        failed += _each(arns, client.tag_resources, Tags={MARK: value})
    failed += _each(unmarked, client.untag_resources, TagKeys=[MARK])
    if kept:
        _keep(account, kept)
    return failed


def forget(account: Account, ids: Iterable[str]) -> None:
    """Forget the kept marks of what is gone."""
    gone: dict[str, str | None] = dict.fromkeys(ids)
    if gone.keys() & load(account).keys():
        _keep(account, gone)


def _each(arns: Sequence[str], call: Any, **given: Any) -> list[str]:
    failed = []
    for start in range(0, len(arns), ARNS_A_CALL):
        answer = call(ResourceARNList=arns[start : start + ARNS_A_CALL], **given)
        for arn, why in answer.get("FailedResourcesMap", {}).items():
            log.warning("Could not be marked: %s: %s", arn, why.get("ErrorMessage"))
            failed.append(f"{arn}: {why.get('ErrorMessage')}")
    return failed


def _keep(account: Account, changes: Mapping[str, str | None]) -> None:
    """Change the document of marks, whoever else changes it."""
    place = ("marks", f"{account.region}.json")
    for attempt in range(ATTEMPTS):
        marks, etag = store.read_with_etag(account, *place)
        changed = {**(marks or {}), **changes}
        document = {name: value for name, value in changed.items() if value is not None}
        try:
            return store.replace(account, document, etag, *place)
        except store.Changed:
            if attempt == ATTEMPTS - 1:
                raise
    return None
