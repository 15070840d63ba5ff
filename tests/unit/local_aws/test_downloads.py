"""Objects straight from their file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.backing.downloads import _span


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=8-99", (8, 10)),
        ("bytes=10-", None),
        ("bytes=5-2", None),
        ("bytes=-0", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=-", None),
    ],
)
def test_ranges_of_ten_bytes(header: str, span: tuple[int, int] | None) -> None:
    assert _span(header, 10) == span


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))
def test_a_span_lies_inside(first: int, last: int, size: int) -> None:
    span = _span(f"bytes={first}-{last}", size)
    assert span is None or 0 <= span[0] < span[1] <= size
