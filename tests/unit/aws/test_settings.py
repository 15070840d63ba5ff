"""Settings from the environment."""

from __future__ import annotations

import pytest

from frugal.aws.settings import Settings


@pytest.mark.parametrize("environ", [{}, {"FRUGAL_ENVIRONMENT": ""}])
def test_an_environment_that_is_not_said_is_dev(environ: dict[str, str]) -> None:
    """Also where it is passed on empty: the tag must be the same wherever a thing is looked for."""
    assert Settings.load(environ).environment == "dev"
