"""What the environment says, and what it may not say."""

from __future__ import annotations

import pytest

from frugal.aws.settings import Settings


@pytest.mark.parametrize("given", ["abc", "0", "-1", "nan", "inf", ""])
def test_a_poll_that_is_no_time_names_the_variable(given: str) -> None:
    with pytest.raises(ValueError, match=rf"FRUGAL_POLL_SECONDS must be .* not '{given}'"):
        Settings.load({"FRUGAL_POLL_SECONDS": given})


def test_everything_has_a_default() -> None:
    settings = Settings.load({})
    assert (settings.poll_seconds, settings.environment, settings.region) == (
        30,
        "dev",
        "us-east-1",
    )
