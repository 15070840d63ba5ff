"""List*: AWS's filters, orders and pages, the same for every kind."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from local_aws.errors import validation
from local_aws.protocol import to_epoch
from local_aws.sagemaker.registry import Params
from local_aws.store import Record, Records

DEFAULT_PAGE = 10

_TIME_FILTERS = {
    "CreationTimeAfter": ("CreationTime", 1),
    "CreationTimeBefore": ("CreationTime", -1),
    "CreatedAfter": ("CreationTime", 1),
    "CreatedBefore": ("CreationTime", -1),
    "LastModifiedTimeAfter": ("LastModifiedTime", 1),
    "LastModifiedTimeBefore": ("LastModifiedTime", -1),
}

Test = Callable[[Record], bool]
# What a list is sorted by: the member asked for, then what tells one record from another.
Place = tuple[Any, str, str]


def page(
    records: list[Record],
    params: Params,
    *,
    name: str,
    status: str = "",
    default_sort: str = "CreationTime",
    default_order: str = "Ascending",
    equals: Mapping[str, str] | None = None,
    contains: Mapping[str, str] | None = None,
    sorts: Mapping[str, str] | None = None,
) -> tuple[list[Record], dict[str, str]]:
    """The records that the request asks for, and {"NextToken": ...} when there are more.

    `name` and `status` say which member of a record is its name and its status; `equals` and
    `contains` map further request members to the record members that have to be equal to them or
    contain them (`Outer.Inner` is a member of a member), `sorts` further values of SortBy to the
    record members that it means. A page begins after the last record of the one before, whatever
    was created or deleted meanwhile.
    """
    keys = {"Name": name, "Status": status, "CreationTime": "CreationTime", **(sorts or {})}
    key = keys.get(params.get("SortBy", default_sort), "CreationTime")

    def place(record: Record) -> Place:
        return record.get(key, 0), record[name], record.get("_arn", "")

    tests = list(_tests(params, name, status, equals or {}, contains or {}))
    descending = params.get("SortOrder", default_order) == "Descending"
    ordered = _from(_sorted(records, key, name, place), place, _last(params), descending)
    size = params.get("MaxResults", DEFAULT_PAGE)
    found = list(islice((r for r in ordered if all(test(r) for test in tests)), size + 1))
    more = {"NextToken": _token(place(found[size - 1]), params)} if len(found) > size else {}
    return found[:size], more


def _sorted(
    records: list[Record], key: str, name: str, place: Callable[[Record], Place]
) -> list[Record]:
    """In ascending order; sorted once for all pages as long as nothing changes."""
    if not isinstance(records, Records):
        return sorted(records, key=place)
    if (key, name) not in records.orders:
        records.orders[key, name] = sorted(records, key=place)
    return records.orders[key, name]


def _from(
    ordered: list[Record], place: Callable[[Record], Place], last: Place | None, descending: bool
) -> Iterator[Record]:
    """The records after the place of the last one that was seen, in the order asked for."""
    if descending:
        stop = len(ordered) if last is None else bisect_left(ordered, last, key=place)
        return (ordered[number] for number in range(stop - 1, -1, -1))
    start = 0 if last is None else bisect_right(ordered, last, key=place)
    return islice(ordered, start, None)


def _tests(
    params: Params, name: str, status: str, equals: Mapping[str, str], contains: Mapping[str, str]
) -> Iterator[Test]:
    """What a record has to pass, from the request members that are given."""
    parts = {"NameContains": name, **contains}
    same = ({"StatusEquals": status} if status else {}) | dict(equals)
    for member, given in params.items():
        if member in parts:
            yield _contains(parts[member], given.lower())
        elif member in same:
            yield _equals(same[member], given)
        elif member in _TIME_FILTERS:
            yield _bounded(*_TIME_FILTERS[member], to_epoch(given))


def _contains(field: str, text: str) -> Test:
    return lambda record: text in str(_at(record, field) or "").lower()


def _equals(field: str, value: Any) -> Test:
    return lambda record: bool(_at(record, field) == value)


def _bounded(field: str, sign: int, time: float) -> Test:
    return lambda record: bool((record[field] - time) * sign >= 0)


def _at(record: Record, path: str) -> Any:
    found: Any = record
    for member in path.split("."):
        found = (found or {}).get(member)
    return found


def _question(params: Params) -> dict[str, Any]:
    return {k: v for k, v in sorted(params.items()) if k not in ("NextToken", "MaxResults")}


def _token(last: Place, params: Params) -> str:
    content = json.dumps([last, _question(params)], default=str)
    return base64.urlsafe_b64encode(content.encode()).decode()


def _last(params: Params) -> Place | None:
    """The place that a token names."""
    if "NextToken" not in params:
        return None
    try:
        (value, name, arn), question = json.loads(base64.urlsafe_b64decode(params["NextToken"]))
    except (ValueError, TypeError) as error:
        raise validation("Invalid NextToken") from error
    if question != json.loads(json.dumps(_question(params), default=str)):
        raise validation("The NextToken belongs to a request with other parameters")
    return value, name, arn
