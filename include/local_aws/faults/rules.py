"""Rules: which fault strikes what, when and how often. Read, checked, and matched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from local_aws.faults.kinds import KINDS, MATCHES
from local_aws.faults.names import unknown_names


class BadRule(ValueError):
    """Rules that mean nothing; the message lists every mistake with its place, what was given and
    what is allowed."""


@dataclass
class Rule:
    """One rule: what was written, by key, when it was added (seconds since 1970), and how often it
    struck so far."""

    id: int
    fault: str
    given: dict[str, Any]
    added: float
    fired: int = 0

    def __getitem__(self, key: str) -> Any:
        """What was given, or the kind's default. Raises `KeyError`."""
        return self.given[key] if key in self.given else KINDS[self.fault].defaults[key]

    def matches(self, facts: dict[str, Any]) -> bool:
        """Whether everything that the rule is limited to is so."""
        return all(
            name in facts and _alike(self.given[name], facts[name])
            for name in MATCHES
            if name in self.given
        )

    def left(self) -> bool:
        """Whether it may strike again by its count."""
        return "count" not in self.given or self.fired < self.given["count"]

    def lasts(self, now: float) -> bool:
        """Whether its `seconds` are not over."""
        start: float = self.added + (0 if self.fault in TIMED_BY_CONTAINER else self._at())
        return "seconds" not in self.given or now < start + self.given["seconds"]

    def begun(self, now: float) -> bool:
        """Whether its `at` is past; that of a container's fault counts from the container's start."""
        return self.fault in TIMED_BY_CONTAINER or now >= self.added + self._at()

    def _at(self) -> float:
        return float(self.given.get("at", 0))

    def shown(self) -> dict[str, Any]:
        """The rule as it was written, with its id and how often it struck."""
        return {"id": self.id, "fault": self.fault, **self.given, "fired": self.fired}


#: Faults whose `at` counts from the start of the container they strike.
TIMED_BY_CONTAINER = frozenset({"reclaim", "fail-container"})


def _alike(asked: Any, fact: Any) -> bool:
    return fnmatchcase(str(fact), asked) if isinstance(asked, str) else bool(asked == fact)


def read_rules(document: Any, place: str) -> tuple[int | None, list[dict[str, Any]]]:
    """The seed, if there is one, and the checked rules of a document: one rule, a list of them, or
    {"seed": a number, "rules": a list}.

    Raises `BadRule`; `place` says where the document is from.
    """
    seed = None
    if isinstance(document, dict) and "rules" in document:
        seed = document.get("seed")
        _check_plan(document, place)
        document = document["rules"]
    elif isinstance(document, dict):
        document = [document]
    if not isinstance(document, list):
        raise BadRule(
            f"{place}: {document!r} was given, allowed is a rule, a list of rules, or "
            "{seed: a number, rules: a list of rules}"
        )
    mistakes = [
        f"{place}: rule {number}: {mistake}"
        for number, rule in enumerate(document, 1)
        for mistake in _mistakes(rule)
    ]
    if mistakes:
        raise BadRule("\n".join(mistakes))
    return seed, document


def _check_plan(document: dict[str, Any], place: str) -> None:
    seed = document.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise BadRule(f"{place}: seed: {seed!r} was given, allowed is a whole number")
    others = sorted(map(str, set(document) - {"seed", "rules"}))
    if others:
        raise BadRule(f"{place}: {', '.join(others)}: allowed keys of a plan are seed and rules")


def _mistakes(rule: Any) -> Iterator[str]:
    if not isinstance(rule, dict):
        yield f"{rule!r} was given, allowed is a mapping with the key fault"
        return
    kind = KINDS.get(rule["fault"]) if isinstance(rule.get("fault"), str) else None
    if kind is None:
        yield f"fault: {rule.get('fault')!r} was given, allowed is one of {', '.join(KINDS)}"
        return
    keys, fitting = kind.keys, dict(rule)
    for name, value in rule.items():
        if name == "fault":
            continue
        if name not in keys:
            allowed = ", ".join(keys)
            yield f"{name}: {value!r} was given, allowed keys of {rule['fault']} are {allowed}"
        elif not keys[name].fits(value):
            yield f"{name}: {value!r} was given, allowed is {keys[name].allowed}"
            del fitting[name]
    for name in kind.missing(rule):
        yield f"{name}: nothing was given, needed is {keys[name].allowed}"
    yield from unknown_names(fitting)
