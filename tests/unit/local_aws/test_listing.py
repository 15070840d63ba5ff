"""Filters, orders and pages of List operations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.errors import AwsError
from local_aws.sagemaker.listing import page

names = st.text("abcde", min_size=1, max_size=6)
records_of = st.dictionaries(names, st.tuples(st.integers(0, 50), st.sampled_from("XY"))).map(
    lambda made: [
        {"Name": name, "CreationTime": at, "LastModifiedTime": at + 1, "Status": status}
        for name, (at, status) in made.items()
    ]
)


def pages(records: list[dict[str, Any]], **params: Any) -> list[dict[str, Any]]:
    """All pages of a list, one after the other."""
    found: list[dict[str, Any]] = []
    while True:
        some, more = page(records, params, name="Name", status="Status")
        assert len(some) <= params.get("MaxResults", 10)
        found += some
        if not more:
            return found
        params |= more


@given(records_of, st.integers(1, 7), st.sampled_from(["Ascending", "Descending"]))
def test_pages_hold_everything_once_and_in_order(
    records: list[dict[str, Any]], size: int, order: str
) -> None:
    found = pages(records, MaxResults=size, SortBy="Name", SortOrder=order)
    expected = sorted((r["Name"] for r in records), reverse=order == "Descending")
    assert [r["Name"] for r in found] == expected


@given(records_of, names, st.integers(0, 50), st.integers(0, 50), st.sampled_from("XY"))
def test_filters_apply_together(
    records: list[dict[str, Any]], part: str, after: int, before: int, status: str
) -> None:
    found = pages(
        records,
        NameContains=part,
        CreationTimeAfter=after,
        LastModifiedTimeBefore=before,
        StatusEquals=status,
    )
    expected = {
        r["Name"]
        for r in records
        if part in r["Name"]
        and r["CreationTime"] >= after
        and r["LastModifiedTime"] <= before
        and r["Status"] == status
    }
    assert {r["Name"] for r in found} == expected


def test_ten_to_a_page_unless_told() -> None:
    records = [{"Name": f"{n:02d}", "CreationTime": n} for n in range(11)]
    some, more = page(records, {}, name="Name")
    assert (len(some), set(more)) == (10, {"NextToken"})


@pytest.mark.parametrize("token", ["nonsense", "W10="])
def test_tokens_that_are_not_ours_are_refused(token: str) -> None:
    with pytest.raises(AwsError, match="NextToken"):
        page([], {"NextToken": token}, name="Name")


def test_a_token_belongs_to_its_question() -> None:
    records = [{"Name": str(n), "CreationTime": n} for n in range(3)]
    _, more = page(records, {"MaxResults": 1}, name="Name")
    with pytest.raises(AwsError, match="other parameters"):
        page(records, {"MaxResults": 1, "NameContains": "1", **more}, name="Name")
