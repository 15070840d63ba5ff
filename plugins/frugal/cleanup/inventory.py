"""Everything in one region that rules may be about, streamed in batches: what is kept are names alone.

The List calls give a hundred things a call, the tagging API the tags of a hundred, CloudWatch five hundred metrics.
What only a call for each thing tells is asked for when something is judged by it, and remembered from night to night. A
night makes no more of these calls than `look_at_most`: what is not known for that is not judged.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import chain, islice
from typing import Any

from frugal.aws.tags import as_dict
from frugal.cleanup.account import Account
from frugal.cleanup.kind import CleanupKind, Gone
from frugal.cleanup.known import Known
from frugal.cleanup.metrics import ask
from frugal.cleanup.resource import Resource
from frugal.cleanup.view import Query

TURN = 2  # things of a kind
ARNS_A_CALL = 100  # GetResources, botocore's model
SLACK = timedelta(minutes=5)  # by how much AWS's clock and ours may differ
UNKNOWN_IN_THE_REGION = "UnknownOperationException"  # so nothing of the kind can be there

log = logging.getLogger(__name__)


class Inventory:
    """A View of an account while it is read. `kinds` are those to list; what they wait for is listed, too."""

    def __init__(
        self, account: Account, kinds: Iterable[str], table: Mapping[str, CleanupKind], known: Known
    ) -> None:
        self.account = account
        self.kinds = sorted(_with_those_before(kinds, table), key=lambda kind: kind.order)
        self.unseen: dict[str, str] = {}
        self.now = account.clock()
        self._known = known
        self._table = table
        self._names: dict[str, set[str]] = defaultdict(set)
        self._users: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        self._waiting: dict[str, list[Resource]] = defaultdict(list)
        self._passed_over = Counter[str]()
        self._unreadable = set[str]()

    def batches(self) -> Iterator[tuple[CleanupKind, list[Resource]]]:
        """Every kind's things, a hundred at a time, with tags and facts. A kind that cannot be listed is `unseen`."""
        for kind in self.kinds:
            with self._noting(kind):
                things = chain.from_iterable(kind.list(self.account))
                while some := list(islice(things, ARNS_A_CALL)):
                    tagged = self._tagged(kind, some)
                    if kind.look_tells:
                        self._put_off(kind, tagged)
                        yield kind, tagged
                    else:
                        yield kind, self._looked_at(kind, tagged)

    def metrics(self, queries: Sequence[Query], window: timedelta) -> Sequence[float | None]:
        """See View."""
        return ask(self.account.client("cloudwatch"), queries, self.now - window, self.now)

    def users(self, kind: str, name: str) -> Set[tuple[str, str]]:
        """See View."""
        self._catch_up(kind)
        return self._users.get((kind, name), frozenset())

    def exists(self, kind: str, name: str) -> bool:
        """See View."""
        return name in self._names[kind]

    def unknown(self, kinds: Iterable[str]) -> str | None:
        """See View."""
        reasons = [f"{kind}: {self.unseen[kind]}" for kind in kinds if kind in self.unseen]
        return "; ".join(reasons) or None

    def refreshed(self, kinds: Iterable[str]) -> Inventory:
        """Itself, now, with what of these kinds was made or changed since it was read."""
        since, self.now = self.now - SLACK, self.account.clock()
        for name in kinds:
            kind = self._table[name]
            pages = kind.changed(self.account, since) if kind.changed else kind.list(self.account)
            for page in pages:
                self._looked_at(kind, list(page), fresh=True)
        return self

    def _tagged(self, kind: CleanupKind, page: Sequence[Resource]) -> list[Resource]:
        """With their tags. What the tagging API does not know has none, so it is nobody's that may be touched."""
        arns = [resource.arn for resource in page if resource.arn]
        if kind.tagged_as is None or not arns:
            return list(page)
        answer = self.account.client("resourcegroupstaggingapi").get_resources(ResourceARNList=arns)
        tags = {
            item["ResourceARN"]: as_dict(item["Tags"]) for item in answer["ResourceTagMappingList"]
        }
        return [replace(resource, tags=tags.get(resource.arn or "", {})) for resource in page]

    def _put_off(self, kind: CleanupKind, page: Iterable[Resource]) -> None:
        for resource in page:
            self._note(kind, resource)
            self._known.keep(resource)
            self._waiting[kind.name].append(replace(resource, tags={}))

    def _catch_up(self, needed: str) -> None:
        """Look at what was put off and may need things of that kind; in turns, as AWS throttles each operation."""
        waiting = {
            name: iter(self._waiting.pop(name))
            for name in [*self._waiting]
            if self._table[name].look_tells == needed
        }
        while waiting:
            for name in [*waiting]:
                kind, some = self._table[name], list(islice(waiting[name], TURN))
                with self._noting(kind):
                    self._looked_at(kind, some)
                if not some or kind.name in self._unreadable:
                    del waiting[name]

    @contextmanager
    def _noting(self, kind: CleanupKind) -> Iterator[None]:
        """What keeps a kind from being known in full makes it `unseen`; what was known of it is known on."""
        try:
            yield
        except Exception as error:
            if _code(error) == UNKNOWN_IN_THE_REGION:
                return
            log.exception("Could not read every %s in %s", kind.name, self.account.region)
            self.unseen[kind.name] = f"could not be read: {error}"
            self._unreadable.add(kind.name)
            self._known.keep_all(kind.name)
        else:
            count = self._passed_over[kind.name]
            if count and kind.name not in self._unreadable:
                self.unseen[kind.name] = f"{count} not looked at tonight"

    def _looked_at(
        self, kind: CleanupKind, page: Sequence[Resource], *, fresh: bool = False
    ) -> list[Resource]:
        found = []
        for listed in page:
            try:
                resource = self._with_facts(kind, listed, fresh)
            except Gone:
                continue
            self._note(kind, resource)
            found.append(resource)
        return found

    def _note(self, kind: CleanupKind, resource: Resource) -> None:
        self._names[kind.name].add(resource.name)
        if resource.facts is not None:
            for needed in kind.needs(resource):
                self._users[needed].add((kind.name, resource.name))

    def _with_facts(self, kind: CleanupKind, resource: Resource, fresh: bool) -> Resource:
        if kind.look is None:
            return resource
        facts = self._known.facts(self.account, kind.look, resource, insist=fresh)
        if facts is None:
            self._passed_over[kind.name] += 1
            return replace(resource, facts=None)
        return replace(resource, facts={**(resource.facts or {}), **facts})


def _with_those_before(kinds: Iterable[str], table: Mapping[str, CleanupKind]) -> list[CleanupKind]:
    found: dict[str, CleanupKind] = {}
    pending = list(kinds)
    while pending:
        kind = table[pending.pop()]
        if kind.name not in found:
            found[kind.name] = kind
            pending += kind.after
    return list(found.values())


def _code(error: Exception) -> Any:
    return getattr(error, "response", {}).get("Error", {}).get("Code")
