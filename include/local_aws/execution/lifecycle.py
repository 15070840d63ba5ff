"""The states of what bills by standing there and runs nothing here: notebooks, Studio, tracking servers.

How long AWS takes for each is made up, and shortened by `--clock`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from local_aws import clock
from local_aws.execution.states import now
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App


class Moved(Exception):
    """It entered another status meanwhile."""


@dataclass(frozen=True)
class Passing:
    """A status that lasts for so many of AWS's seconds; `then` follows, or, when None, nothing is left."""

    seconds: float
    then: str | None


@dataclass(frozen=True)
class Lifecycle:
    """A kind of resource, the member that holds its status, and the statuses that pass by themselves."""

    kind: str
    member: str
    passing: Mapping[str, Passing]

    def create(self, app: App, region: str, name: str, record: Record, status: str) -> Record:
        """Add a resource that is made now. Raises `Exists`."""
        record["CreationTime"] = now()
        self._move(app, record, status)
        app.store.create(self.kind, region, name, record)
        self._watch(app, region, name, record)
        return record

    def enter(
        self,
        app: App,
        region: str,
        name: str,
        status: str,
        check: Callable[[Record], None] = lambda record: None,
        **members: Any,
    ) -> Record:
        """Put a resource into a status with the members that come with it.

        Raises `KeyError`, and what `check` raises of the resource as it is at that moment.
        """

        def change(record: Record) -> None:
            check(record)
            record.update(members)
            self._move(app, record, status)

        record = app.store.update(self.kind, region, name, change)
        self._watch(app, region, name, record)
        return record

    def settle(self, app: App) -> None:
        """After a restart: what passes goes on passing."""
        for region, name, record in app.store.every(self.kind):
            self._watch(app, region, name, record)

    def _move(self, app: App, record: Record, status: str) -> None:
        record[self.member], record["LastModifiedTime"] = status, now()
        record.pop("_due", None)
        if status in self.passing:
            lasts = app.config.simulation.wait(self.passing[status].seconds)
            record["_due"] = clock.now() + lasts

    def _watch(self, app: App, region: str, name: str, record: Record) -> None:
        if "_due" in record:
            due = record["_due"]
            app.timetable.at(due, partial(self._pass, app, region, name, due))

    def _pass(self, app: App, region: str, name: str, due: float) -> None:
        def check(record: Record) -> None:
            if record.get("_due") != due:
                raise Moved

        record = app.store.get(self.kind, region, name)
        if record is None or record.get("_due") != due:
            return
        then = self.passing[record[self.member]].then
        if then is None:
            app.store.delete(self.kind, region, name)
            return
        with suppress(KeyError, Moved):
            self.enter(app, region, name, then, check)
