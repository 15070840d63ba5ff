"""How these tests wait: for conditions, and ten times as long as a quiet machine takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults import cluster

PATIENCE_SECONDS = 900.0


def until(condition: Callable[[], Any], what: str) -> None:
    """Return when `condition` holds; fail, saying `what` never came."""
    cluster.until(condition, what, PATIENCE_SECONDS)
