"""What training runs leave in S3: checkpoints, and the artefacts of models that lost.

    <model>/runs/<run>/checkpoints/                                   resumed from while the run is not over
    <model>/runs/<run>/{model,traced,compiled,evaluation/portable}/   the model, in each of its forms
    <model>/runs/<run>/report.json                                    written last

What a run found out (evaluation, baseline, report) is small, and stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from typing import Any

from frugal.cleanup.artifact_deletion import DELETE
from frugal.cleanup.artifacts import Place, Sum, Unit, again, lister, monthly
from frugal.cleanup.kind import CleanupKind
from frugal.cleanup.signals.signal import words
from frugal.spec import ModelSpec

REPORT = "report.json"
CHECKPOINTS = ("checkpoints/",)
MODELS = ("model/", "traced/", "compiled/", "evaluation/portable/")


def _find(
    parts: tuple[str, ...], judge: Any, place: Place, spec: ModelSpec, name: str
) -> Iterator[Unit]:
    """The objects of each run below `parts`, together. `name` is that of one unit, or empty."""
    runs = f"{spec.name}/runs/"
    below = f"{runs}{name.removeprefix(runs).partition('/')[0]}/" if name else runs
    for run, items in groupby(
        place.objects(below), key=lambda item: item["Key"].removeprefix(runs).partition("/")[0]
    ):
        total, over, base = Sum(), False, f"{runs}{run}/"
        for item in items:
            rest = item["Key"].removeprefix(base)
            over = over or rest == REPORT
            if rest.startswith(parts):
                total.add(item)
        if not total.objects:
            continue
        due, why = judge(place, spec, f"{runs}{run}", total, over)
        prefixes = tuple(f"{base}{part}" for part in parts)
        unit = prefixes[0] if len(prefixes) == 1 else base
        yield Unit(unit, total.objects, total.bytes, total.changed, prefixes, due, why)


def _checkpoints(
    place: Place, spec: ModelSpec, run: str, total: Sum, over: bool
) -> tuple[bool, str]:
    if not over and not place.older(total.changed, spec.retention.unreferenced):
        return False, "the run left no report yet, so it may be resumed"
    if not place.older(total.changed, spec.retention.checkpoints):
        return False, f"written less than {_age(spec.retention.checkpoints)} ago"
    if run in place.references.busy:
        return False, "a job of the run is under way"
    return True, f"of a run that is over, not written for {_age(spec.retention.checkpoints)}"


def _models(place: Place, spec: ModelSpec, run: str, total: Sum, over: bool) -> tuple[bool, str]:
    if run in place.references.held:
        return False, "a model, a model package or a job names it"
    if run in place.references.rejected:
        return True, f"of a model that was rejected, and {spec.retention.rejected} newer ones were"
    if not place.older(total.changed, spec.retention.unreferenced):
        return False, f"nobody names it, for less than {_age(spec.retention.unreferenced)}"
    return True, f"nobody names it, and it was not written for {_age(spec.retention.unreferenced)}"


def _age(age: Any) -> str:
    return words(age.total_seconds())


def _kind(name: str, order: int, parts: tuple[str, ...], judge: Any) -> CleanupKind:
    find = partial(_find, parts, judge)
    return CleanupKind(
        name=name,
        order=order,
        list=lister(name, find),
        again=again(name, find),
        acts={"delete": DELETE},
        monthly=monthly,
        markable=False,
    )


KINDS = (
    _kind("s3-checkpoints", 200, CHECKPOINTS, _checkpoints),
    _kind("s3-run-models", 210, MODELS, _models),
)
