"""The shortest model.yaml there is."""

from __future__ import annotations

import pytest

from tests import specs


@pytest.fixture
def shortest() -> str:
    """Text of a valid model.yaml in which everything has its default."""
    return specs.shortest()
