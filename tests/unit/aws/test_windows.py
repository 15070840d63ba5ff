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
    inside = Window(datetime(2026, 1, 31, 23, 5, 24, tzinfo=UTC), timedelta(seconds=36))
    later = Window(datetime(2026, 2, 1, tzinfo=UTC), HOUR)
    windows = [window, inside, later]
    names = ["2026-01-31T23Z-24h", "2026-01-31T23Z05-24-36s", "2026-02-01T00Z-1h"]
    assert [one.name for one in windows] == names == sorted(names)
    assert [Window.parse(name) for name in names] == windows


@pytest.mark.parametrize(
    "name",
    [
        "",
        "yesterday",
        "2026-11-22T16Z",
        "2026-11-22T16Z-24d",
        "2026-11-31T16Z-1h",
        "2026-11-22T16Z-0h",
        "2026-11-22T16Z-99999999999h",
    ],
)
def test_other_text_names_none(name: str) -> None:
    with pytest.raises(ValueError, match=r"window|time data|range"):
        Window.parse(name)
