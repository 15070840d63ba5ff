"""Requests checked against botocore's service model, as AWS checks them: types, required members,
enums, patterns, and bounds on lengths and values, all faults listed in one message."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from functools import cache
from typing import Any

import regex
from botocore.model import Shape

from local_aws.errors import AwsError, validation

_NUMBERS = {"integer", "long", "float", "double"}
_PYTHON: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
    "blob": (str,),
}


def check(params: dict[str, Any], shape: Shape) -> None:
    """Raise `SerializationException` or `ValidationException` unless the parameters fit the shape."""
    faults = list(_faults(params, shape, ""))
    if faults:
        count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected"
        raise validation(f"{count}: {'; '.join(faults)}")


def _faults(value: Any, shape: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    fits = isinstance(value, _PYTHON[kind]) and isinstance(value, bool) <= (kind == "boolean")
    if not fits:
        where = f" at '{path}'" if path else ""
        raise AwsError(
            "SerializationException",
            f"{type(value).__name__.upper()} value {value!r}{where} cannot be converted to {kind}",
        )
    yield from _constraint_faults(value, shape, path)
    if kind == "structure":
        for name, member in shape.members.items():
            inner = f"{path}.{_camel(name)}" if path else _camel(name)
            if value.get(name) is not None:
                yield from _faults(value[name], member, inner)
            elif name in shape.metadata.get("required", ()):
                yield _fault("null", inner, "Member must not be null")
    elif kind == "list":
        for number, item in enumerate(value, 1):
            yield from _faults(item, shape.member, f"{path}.{number}.member")
    elif kind == "map":
        for key, item in value.items():
            yield from _faults(key, shape.key, f"{path}.key")
            yield from _faults(item, shape.value, f"{path}.{key}.member")


def _constraint_faults(value: Any, shape: Any, path: str) -> Iterator[str]:
    limits, kind = shape.metadata, shape.type_name
    if kind in _NUMBERS:
        size, what = value, "value"
    elif kind in ("string", "list", "map", "blob"):
        size, what = len(_decoded(value) if kind == "blob" else value), "length"
    else:
        return
    if "min" in limits and size < limits["min"]:
        yield _fault(
            value, path, f"Member must have {what} greater than or equal to {limits['min']}"
        )
    if "max" in limits and size > limits["max"]:
        yield _fault(value, path, f"Member must have {what} less than or equal to {limits['max']}")
    if kind == "string":
        pattern = compiled(limits["pattern"]) if "pattern" in limits else None
        if pattern and not pattern.fullmatch(value):
            rule = f"Member must satisfy regular expression pattern: {limits['pattern']}"
            yield _fault(value, path, rule)
        allowed = shape.enum
        if allowed and value not in allowed:
            yield _fault(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")


@cache
def compiled(pattern: str) -> regex.Pattern[str] | None:
    """A pattern of the service model; None for the few that only Java can read (surrogates)."""
    try:
        return regex.compile(pattern, flags=regex.VERSION0)
    except regex.error:
        return None


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except binascii.Error as error:
        raise AwsError("SerializationException", f"{value!r} is not base64") from error


def _fault(value: object, path: str, rule: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {rule}"


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]
