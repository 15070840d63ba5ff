"""List*: AWS's filters, orders and pages, the same for every kind."""

from __future__ import annotations

import base64
import json
from typing import Any

from local_aws.errors import validation
from local_aws.protocol import to_epoch
from local_aws.sagemaker.registry import Params
from local_aws.store import Record

DEFAULT_PAGE = 10

_TIME_FILTERS = {
    "CreationTimeAfter": ("CreationTime", 1),
    "CreationTimeBefore": ("CreationTime", -1),
    "LastModifiedTimeAfter": ("LastModifiedTime", 1),
    "LastModifiedTimeBefore": ("LastModifiedTime", -1),
}


def page(
    records: list[Record],
    params: Params,
    *,
    name: str,
    status: str = "",
    default_sort: str = "CreationTime",
    default_order: str = "Ascending",
    equals: dict[str, str] | None = None,
    sorts: dict[str, str] | None = None,
) -> tuple[list[Record], dict[str, str]]:
    """The records that the request asks for, and {"NextToken": ...} when there are more.

    `name` and `status` say which member of a record is its name and its status; `equals` maps
    further request members to the record members that have to be equal to them, `sorts` further
    values of SortBy to the record members that it means.
    """
    selected = [r for r in records if _matches(r, params, name, status, equals or {})]
    keys = {"Name": name, "Status": status, "CreationTime": "CreationTime", **(sorts or {})}
    key = keys.get(params.get("SortBy", default_sort), "CreationTime")
    descending = params.get("SortOrder", default_order) == "Descending"
    selected.sort(key=lambda r: (r.get(key, 0), r[name]), reverse=descending)
    start = _offset(params)
    stop = start + params.get("MaxResults", DEFAULT_PAGE)
    more = {"NextToken": _token(stop, params)} if stop < len(selected) else {}
    return selected[start:stop], more


def _matches(
    record: Record, params: Params, name: str, status: str, equals: dict[str, str]
) -> bool:
    if params.get("NameContains", "").lower() not in str(record[name]).lower():
        return False
    if status and "StatusEquals" in params and record[status] != params["StatusEquals"]:
        return False
    for member, field in equals.items():
        if member in params and record.get(field) != params[member]:
            return False
    for member, (field, sign) in _TIME_FILTERS.items():
        if member in params and (record[field] - to_epoch(params[member])) * sign < 0:
            return False
    return True


def _question(params: Params) -> dict[str, Any]:
    return {k: v for k, v in sorted(params.items()) if k not in ("NextToken", "MaxResults")}


def _token(offset: int, params: Params) -> str:
    content = json.dumps([offset, _question(params)], default=str)
    return base64.urlsafe_b64encode(content.encode()).decode()


def _offset(params: Params) -> int:
    if "NextToken" not in params:
        return 0
    try:
        offset, question = json.loads(base64.urlsafe_b64decode(params["NextToken"]))
    except (ValueError, TypeError) as error:
        raise validation("Invalid NextToken") from error
    if question != json.loads(json.dumps(_question(params), default=str)):
        raise validation("The NextToken belongs to a request with other parameters")
    return int(offset)
