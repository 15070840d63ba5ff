"""Composite alarms: AlarmRule, read and decided.

rule = term (("AND" | "OR") term)*          AND binds more tightly than OR
term = "NOT" term | "(" rule ")" | "TRUE" | "FALSE" | STATE("alarm name or ARN")
"""

from __future__ import annotations

import re
from collections.abc import Callable

from local_aws.errors import AwsError

_TOKEN = re.compile(
    r"\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?P<quote>[\"']?)(?P<name>.+?)"
    r"(?P=quote)\s*\)|(?P<word>AND|OR|NOT|TRUE|FALSE|\(|\)))",
)

StateOf = Callable[[str], str | None]


def holds(rule: str, state_of: StateOf) -> bool:
    """Whether the rule is true. Raises `ValidationError` for one that cannot be read."""
    return _Reader(rule, state_of).whole()


def alarms_in(rule: str) -> list[str]:
    """Names of the alarms that a rule mentions. Raises `ValidationError`."""
    names: list[str] = []

    def note(name: str) -> str | None:
        names.append(name)
        return None

    holds(rule, note)
    return names


class _Reader:
    def __init__(self, rule: str, state_of: StateOf) -> None:
        self._rule = rule
        self._state_of = state_of
        self._tokens: list[re.Match[str]] = []
        self._at = position = 0
        while position < len(rule.rstrip()):
            found = _TOKEN.match(rule, position)
            if found is None:
                raise self._wrong(rule[position:].strip())
            self._tokens.append(found)
            position = found.end()

    def whole(self) -> bool:
        value = self._any()
        if self._at < len(self._tokens):
            raise self._wrong(self._tokens[self._at][0])
        return value

    def _wrong(self, where: str) -> AwsError:
        message = f"AlarmRule {self._rule!r} cannot be read at {where[:40]!r}"
        return AwsError("ValidationError", message)

    def _take(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at]["word"] == word:
            self._at += 1
            return True
        return False

    def _any(self) -> bool:
        value = self._all()
        while self._take("OR"):
            value = self._all() or value
        return value

    def _all(self) -> bool:
        value = self._term()
        while self._take("AND"):
            value = self._term() and value
        return value

    def _term(self) -> bool:
        if self._take("NOT"):
            return not self._term()
        if self._take("("):
            value = self._any()
            if not self._take(")"):
                raise self._wrong("its end: ')' is missing")
            return value
        for word, value in (("TRUE", True), ("FALSE", False)):
            if self._take(word):
                return value
        if self._at >= len(self._tokens) or not self._tokens[self._at]["state"]:
            raise self._wrong("its end")
        token = self._tokens[self._at]
        self._at += 1
        name = token["name"].rpartition(":alarm:")[2]
        return self._state_of(name) == token["state"]
