"""How the contract tests wait: for a condition, as long as a slow machine may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

PATIENCE_SECONDS = 240.0


def await_true(condition: Callable[[], Any], what: str = "what this line says") -> Any:
    """The first true value of the condition; fails the test when it takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE_SECONDS:g} s for {what}")
        time.sleep(0.05)
    return value
