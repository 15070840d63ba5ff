"""S3 lifecycle rules out of model.yaml's `retention`: what goes at which age, and what moves where when that pays.

A rule chooses objects by the start of their keys, so it can tell one model's captured traffic from another's, not the
checkpoints of runs that are over from those of others: that is `clean_up`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Any

from frugal.cost.prices import PriceTable
from frugal.cost.storage import GB, KB, UnknownPrice, saving
from frugal.spec import ModelSpec
from frugal.spec.retention import Place, Transition

#: What is kept for good is judged over so long.
HORIZON = timedelta(days=365)
Rule = dict[str, Any]
#: Objects and their bytes together, below a prefix and at least so large: (prefix, bytes) -> (objects, bytes).
Measure = Callable[[str, int], tuple[int, int]]


class Conflict(ValueError):
    """Two models ask for different things of the same objects."""


@dataclass(frozen=True)
class Wanted:
    """The rules of a bucket, in S3's form; `why` each is there, by its ID, and what was `left_out`, a line each."""

    rules: tuple[Rule, ...]
    why: dict[str, str]
    left_out: tuple[str, ...]


def id_prefix(environment: str) -> str:
    """What the IDs of an environment's rules start with: all others are foreign."""
    return f"frugal/{environment}/"


def wanted(
    specs: Iterable[ModelSpec], environment: str, region: str, table: PriceTable, measure: Measure
) -> Wanted:
    """The rules of all models that share a bucket. Raises Conflict when they cannot live together."""
    rules: list[Rule] = []
    why: dict[str, str] = {}
    left_out: list[str] = []
    for spec in specs:
        base = f"{id_prefix(environment)}{spec.name}"
        for name, rule, reason in _ages(spec):
            rules.append({"ID": f"{base}/{name}", "Status": "Enabled", **rule})
            why[rules[-1]["ID"]] = reason
        for place, transition in spec.retention.transitions.items():
            prefix = prefix_of(spec, place)
            try:
                rule, reason = _transition(spec, place, transition, region, table, measure)
            except _NotWorthIt as error:
                left_out.append(
                    f"{spec.name}: {prefix} to {transition.storage_class} after "
                    f"{transition.after.days} days: {error}"
                )
                continue
            rules.append({"ID": f"{base}/{place}-move", "Status": "Enabled", **rule})
            why[rules[-1]["ID"]] = reason
    _refuse_conflicts(rules)
    return Wanted(tuple(rules), why, tuple(left_out))


def prefix_of(spec: ModelSpec, place: Place) -> str:
    """Where the objects of a place of a model lie."""
    if place == "raw":
        return spec.raw_prefix
    return f"{spec.name}/batch/out/" if place == "batch" else f"{spec.name}/{place}/"


def actions(rule: Rule) -> set[str]:
    """What a rule does: S3's names of its actions. One that only tidies delete markers away expires nothing."""
    found = set(rule) - {"ID", "Status", "Filter", "Prefix"}
    return (
        found - {"Expiration"}
        if "ExpiredObjectDeleteMarker" in rule.get("Expiration", {})
        else found
    )


def prefix(rule: Rule) -> str:
    """The start of the keys that a rule is about; empty: it is about all."""
    chosen = rule.get("Filter") or {}
    found: str = (chosen.get("And") or chosen).get("Prefix") or rule.get("Prefix") or ""
    return found


def overlap(first: Rule, second: Rule) -> bool:
    """Whether two rules may do the same kind of thing to the same object."""
    one, other = prefix(first), prefix(second)
    return bool(actions(first) & actions(second)) and (
        one.startswith(other) or other.startswith(one)
    )


def _ages(spec: ModelSpec) -> Iterator[tuple[str, Rule, str]]:
    """What goes by its age alone: (name, rule, reason)."""
    kept, noncurrent = spec.retention, spec.retention.noncurrent
    versions: dict[str, int] = {"NoncurrentDays": noncurrent.after.days}
    if noncurrent.keep:
        versions["NewerNoncurrentVersions"] = noncurrent.keep
    rule = {
        "Filter": {"Prefix": f"{spec.name}/"},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
        "NoncurrentVersionExpiration": versions,
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": kept.uploads.days},
    }
    besides = f" but for the newest {noncurrent.keep}" if noncurrent.keep else ""
    yield (
        "leftovers",
        rule,
        f"noncurrent versions go after {noncurrent.after.days} days{besides}, "
        f"incomplete uploads after {kept.uploads.days} days",
    )
    ages = {
        "capture": kept.captured,
        "monitor": kept.watched,
        "model-monitor": kept.watched,
        "async": kept.answers,
        "batch/out": kept.answers,
    }
    for place, age in ages.items():
        yield (
            place.replace("/", "-"),
            {"Filter": {"Prefix": f"{spec.name}/{place}/"}, "Expiration": {"Days": age.days}},
            f"objects go after {age.days} days",
        )


class _NotWorthIt(Exception):
    """A transition that is left out; the message says why."""


def _transition(
    spec: ModelSpec,
    place: Place,
    transition: Transition,
    region: str,
    table: PriceTable,
    measure: Measure,
) -> tuple[Rule, str]:
    start, expiry = prefix_of(spec, place), spec.retention.expiry(place)
    kept = (expiry - transition.after) if expiry else HORIZON
    try:
        saved = saving(table, region, transition.storage_class, kept, transition.reads)
    except UnknownPrice as error:
        raise _NotWorthIt(f"the price of {error} is unknown") from error
    least = saved.break_even
    if least is None:
        raise _NotWorthIt(
            f"it never saves what it costs on objects that {'go' if expiry else 'are judged over'} "
            f"{kept.days} days{' later' if expiry else ''}"
            + (f", {transition.reads:g} of them read a month" if transition.reads else "")
        )
    objects, size = measure(start, least)
    if not objects:
        every, together = measure(start, 0)
        if not every:
            raise _NotWorthIt("nothing lies there yet whose size could be judged")
        raise _NotWorthIt(
            f"it saves on objects from {_size(least)}, and the {every} there are below "
            f"({_size(together / every)} on average)"
        )
    rule = {
        "Filter": {"And": {"Prefix": start, "ObjectSizeGreaterThan": least - 1}},
        "Transitions": [{"Days": transition.after.days, "StorageClass": transition.storage_class}],
    }
    return rule, (
        f"{objects} objects of {_size(size)} today save {saved.of(objects, size):.4f} USD in "
        f"{kept.days} days, requests and least days billed included; below {_size(least)} none does"
    )


def _refuse_conflicts(rules: Sequence[Rule]) -> None:
    for first, second in combinations(rules, 2):
        if overlap(first, second):
            raise Conflict(
                f"{first['ID']} and {second['ID']} are about the same objects "
                f"({prefix(first)!r} and {prefix(second)!r}); give each model a prefix of its own"
            )


def _size(count: float) -> str:
    for name, unit in (("GB", GB), ("MB", 1024 * KB), ("KB", KB)):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count:.0f} bytes"
