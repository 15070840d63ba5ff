"""What can go wrong, as data: the kinds of faults, what each is limited to, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Key:
    """A key of a rule: whether a value is allowed, and what is, in words."""

    fits: Callable[[Any], bool]
    allowed: str


def _number(value: Any, above: float, including: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return value >= above if including else value > above


def _whole(value: Any, least: int, most: float = float("inf")) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def one_of(values: Sequence[str]) -> Key:
    return Key(lambda value: value in values, "one of " + ", ".join(values))


PATTERN = Key(
    lambda value: isinstance(value, str) and value != "",
    "a name, in which * and ? stand for any text and any character",
)
SECONDS = Key(lambda value: _number(value, 0, including=False), "seconds above 0")

#: What a rule is limited to. A key that is not given matches everything.
MATCHES: Mapping[str, Key] = {
    **dict.fromkeys(
        (
            *("region", "job", "instance", "service", "operation", "bucket", "key"),
            *("endpoint", "config"),
        ),
        PATTERN,
    ),
    "spot": Key(lambda value: isinstance(value, bool), "true or false"),
}

#: When and how often a rule strikes; every kind has them.
TIMES: Mapping[str, Key] = {
    "at": Key(lambda value: _number(value, 0, including=True), "seconds from 0"),
    "seconds": SECONDS,
    "count": Key(lambda value: _whole(value, 1), "a whole number from 1"),
    "probability": Key(
        lambda value: _number(value, 0, including=False) and value <= 1,
        "a number above 0, up to 1",
    ),
}


@dataclass(frozen=True)
class Kind:
    """A kind of fault: the keys it may be limited by, and those that say what it does."""

    matches: tuple[str, ...]
    effects: Mapping[str, Key] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, Key]:
        """Every key that a rule of this kind may have, besides `fault`."""
        return {**{name: MATCHES[name] for name in self.matches}, **self.effects, **TIMES}

    def missing(self, given: Mapping[str, Any]) -> list[str]:
        """The keys that have to be given and are not."""
        return [name for name in self.effects if name not in given and name not in self.defaults]


CALL = ("service", "operation", "region")
OBJECT = ("bucket", "key", "operation", "region")

CALL_ERRORS = (
    *("InternalFailure", "ServiceUnavailable", "ExpiredTokenException"),
    *("drop-before", "drop-after"),
)
S3_ERRORS = ("SlowDown", "InternalError", "ServiceUnavailable", "AccessDenied", "ExpiredToken")

KINDS: Mapping[str, Kind] = {
    "reclaim": Kind(("job", "instance", "region")),
    "no-capacity": Kind(("job", "instance", "spot", "region")),
    "fail-container": Kind(
        ("job", "instance", "region"),
        {
            "message": Key(lambda value: isinstance(value, str), "a text"),
            "exit_code": Key(lambda value: _whole(value, 1, 255), "a whole number from 1 to 255"),
        },
        {"message": "the container failed", "exit_code": 1},
    ),
    "unhealthy-deployment": Kind(("endpoint", "config", "region")),
    "throttle": Kind(
        CALL,
        {
            "rate": Key(lambda value: _number(value, 0, including=False), "calls a second above 0"),
            "burst": Key(lambda value: _whole(value, 1), "a whole number of calls from 1"),
        },
        {"rate": None, "burst": None},
    ),
    "error": Kind(CALL, {"error": one_of(CALL_ERRORS)}),
    "slow": Kind(CALL, {"delay": SECONDS}),
    "s3-error": Kind(OBJECT, {"error": one_of(S3_ERRORS)}, {"error": "SlowDown"}),
    "s3-slow": Kind(OBJECT, {"delay": SECONDS}),
}
