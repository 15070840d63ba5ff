"""Prepared datasets and published code that no run needs any more, by mark and sweep.

    <model>/datasets/<fingerprint>/                 shared by every run with the same data and code
    <model>/code/<hash>/, <model>/code/<hash>.tar.gz

The newest of each stays, whoever needs it: the next run finds it, and it costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby

from frugal.cleanup.artifact_deletion import DELETE
from frugal.cleanup.artifacts import Place, Sum, Unit, again, lister, monthly
from frugal.cleanup.kind import CleanupKind
from frugal.cleanup.references import code_of
from frugal.cleanup.signals.signal import words
from frugal.spec import ModelSpec


def _find(folder: str, place: Place, spec: ModelSpec, name: str) -> Iterator[Unit]:
    base = f"{spec.name}/{folder}/"
    sums = {
        unit: Sum.of(items)
        for unit, items in groupby(
            place.objects(base),
            key=lambda item: code_of(item["Key"].removeprefix(base).partition("/")[0]),
        )
    }
    newest = max(sums, key=lambda unit: (sums[unit].changed, unit), default=None)
    for unit, total in sums.items():
        if name and name != f"{base}{unit}":
            continue
        due, why = False, "the newest, which the next run may find"
        if unit != newest:
            due, why = _judge(place, spec, f"{base}{unit}", total)
        prefixes = (f"{base}{unit}/", f"{base}{unit}.tar.gz")[: 2 if folder == "code" else 1]
        yield Unit(f"{base}{unit}", total.objects, total.bytes, total.changed, prefixes, due, why)


def _judge(place: Place, spec: ModelSpec, unit: str, total: Sum) -> tuple[bool, str]:
    age = words(spec.retention.unreferenced.total_seconds())
    if not place.older(total.changed, spec.retention.unreferenced):
        return False, f"written less than {age} ago"
    if unit in place.references.held:
        return False, "a model, a model package or a job names it"
    if place.references.training(spec.name):
        return False, "a run of the model is under way, and may need it"
    return True, f"nobody names it, and it was not written for {age}"


def _kind(name: str, order: int, folder: str) -> CleanupKind:
    find = partial(_find, folder)
    return CleanupKind(
        name=name,
        order=order,
        list=lister(name, find),
        again=again(name, find),
        acts={"delete": DELETE},
        monthly=monthly,
        markable=False,
    )


KINDS = (_kind("s3-dataset", 220, "datasets"), _kind("s3-code", 230, "code"))
