"""Captured traffic beyond what model.yaml keeps, a day at a time: <model>/capture/<endpoint>/<variant>/yyyy/mm/dd/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from frugal.cleanup.artifact_deletion import DELETE
from frugal.cleanup.artifacts import Place, Sum, Unit, again, lister, monthly
from frugal.cleanup.kind import CleanupKind
from frugal.cleanup.signals.signal import words
from frugal.spec import ModelSpec

NAME = "s3-captured"
DAY = re.compile(r"/(\d{4})/(\d{2})/(\d{2})/$")
#: Folders from the captured traffic of a model to a day: endpoint, variant, year, month, day; at most.
DEEPEST = 6


def _find(place: Place, spec: ModelSpec, name: str) -> Iterator[Unit]:
    """The days that are over for so long; younger ones are not even listed."""
    age = spec.retention.captured
    for day in [name] if name else _days(place, f"{spec.name}/capture/", DEEPEST):
        ended = _end(day)
        if ended is None or place.account.clock() - ended <= age:
            continue
        total = Sum.of(place.objects(day))
        if total.objects:
            why = f"captured {words((place.account.clock() - ended).total_seconds())} ago"
            yield Unit(day, total.objects, total.bytes, total.changed, due=True, why=why)


def _days(place: Place, prefix: str, depth: int) -> Iterator[str]:
    if DAY.search(prefix):
        yield prefix
    elif depth:
        for folder in place.folders(prefix):
            yield from _days(place, folder, depth - 1)


def _end(day: str) -> datetime | None:
    """When a day of captured traffic was over; None for no such day."""
    match = DAY.search(day)
    if match is None:
        return None
    try:
        return datetime.strptime("".join(match.groups()), "%Y%m%d").replace(tzinfo=UTC) + timedelta(
            1
        )
    except ValueError:
        return None


KINDS = (
    CleanupKind(
        name=NAME,
        order=240,
        list=lister(NAME, _find),
        again=again(NAME, _find),
        acts={"delete": DELETE},
        monthly=monthly,
        markable=False,
    ),
)
