"""How rules over a model.yaml are registered and asked.

Each rule names the sections it reads and yields (key, problem, given, allowed). A rule is left out
when one of its sections has mistakes of its own, so that all rules that can speak do so at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Finding(NamedTuple):
    """A mistake, or what is likely one, before its line is known."""

    key: str
    problem: str
    given: Any = ""
    allowed: str = ""


Check = Callable[..., Iterator[Finding]]


class Rule(NamedTuple):
    """A check and the sections that are passed to it, in that order."""

    sections: tuple[str, ...]
    check: Check


MISTAKES: list[Rule] = []
WARNINGS: list[Rule] = []


def rule(*sections: str) -> Callable[[Check], Check]:
    """Register a rule over the named sections: what it finds makes the file invalid."""
    return _registered(MISTAKES, sections)


def warning(*sections: str) -> Callable[[Check], Check]:
    """Register a rule whose findings are shown by `frugal validate`, and nothing more."""
    return _registered(WARNINGS, sections)


def findings(rules: Sequence[Rule], sections: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything that `rules` find in the sections that could be read."""
    for names, check in rules:
        if all(name in sections for name in names):
            yield from check(*(sections[name] for name in names))


def refusal(sections: Mapping[str, Any]) -> str | None:
    """The first mistake in a sentence, None when there is none. For sections that were read, then changed."""
    for key, problem, given, allowed in findings(MISTAKES, sections):
        shown = "" if given == "" else f" (given: {given})"
        return f"{key}: {problem}{shown}" + (f"; allowed: {allowed}" if allowed else "")
    return None


def _registered(rules: list[Rule], sections: tuple[str, ...]) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        rules.append(Rule(sections, check))
        return check

    return register
