"""Windows of captured traffic, by name and by the hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from frugal.aws.windows import Window

HOUR = timedelta(hours=1)


def test_the_last_whole_window_in_utc() -> None:
    now = datetime(2026, 11, 22, 1, 40, tzinfo=timezone(-2 * HOUR))
    window = Window.ending_before(now, 3 * HOUR)
    assert window.name == "2026-11-22T00Z-3h"
    assert list(window.hours) == ["2026/11/22/00", "2026/11/22/01", "2026/11/22/02"]


def test_a_name_names_one_window_and_sorts_by_time() -> None:
    window = Window(datetime(2026, 1, 31, 23, tzinfo=UTC), 24 * HOUR)
    assert Window.parse(window.name) == window
    later = Window(datetime(2026, 2, 1, tzinfo=UTC), HOUR)
    assert window.name < later.name


@pytest.mark.parametrize("name", ["", "yesterday", "2026-11-22T16Z", "2026-11-22T16Z-24d"])
def test_other_text_names_none(name: str) -> None:
    with pytest.raises(ValueError, match=r"window|time data"):
        Window.parse(name)
