"""The JSONPath subset of batch transform's filters."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.execution.json_path import BadPath, parse

ROW = ["a", "b", "c", "d"]
RECORD = {"id": 1, "in": {"x": [1, 2, 3], "y": 5}}


@pytest.mark.parametrize(
    ("path", "value", "selected"),
    [
        ("$", RECORD, RECORD),
        ("$.in.y", RECORD, 5),
        ("$['in']['y']", RECORD, 5),
        ("$.in.['x','y']", RECORD, {"x": [1, 2, 3], "y": 5}),
        ("$.in.x[-1]", RECORD, 3),
        ("$.in.*", RECORD, [[1, 2, 3], 5]),
        ("$[0]", ROW, "a"),
        ("$[0,-1]", ROW, ["a", "d"]),
        ("$[1:]", ROW, ["b", "c", "d"]),
        ("$[:1]", ROW, ["a", "b"]),
        ("$[1:2]", ROW, ["b", "c"]),
        ("$[0,2:]", ROW, ["a", "c", "d"]),
    ],
)
def test_what_a_path_selects(path: str, value: Any, selected: Any) -> None:
    assert parse(path).select(value) == selected


@pytest.mark.parametrize(
    "path", ["", "id", "$..id", "$.*.id", "$[?(@.id)]", "$.a b", "$[1:3:2]", "$['a'", "$[0,1].a"]
)
def test_what_is_no_path_here(path: str) -> None:
    with pytest.raises(BadPath):
        parse(path)


@pytest.mark.parametrize(
    ("path", "value"),
    [("$.no", RECORD), ("$[9]", ROW), ("$[2:9]", ROW), ("$[0]", RECORD), ("$['no','id']", RECORD)],
)
def test_a_path_that_leads_nowhere_says_so(path: str, value: Any) -> None:
    with pytest.raises(BadPath, match="selects nothing"):
        parse(path).select(value)
