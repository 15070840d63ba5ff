"""Nights over a seeded account: one clock for AWS's side and ours, and the rules that ship, in a hurry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from frugal.cleanup import night
from frugal.cleanup.rules import Rules
from tests.contract.cleanup.account import Account

#: Longer than anything may take from a mark to the sweep that has to leave it alone.
GRACE = timedelta(minutes=30)
NO_CAPS = {"actions": 1000, "dollars": 1e6, "share": 1, "unpriced": 1000}


class Nights:
    """The account as cleaning up sees it, and its rules: those of include/cleanup.yaml but for S3's, all with GRACE."""

    def __init__(self, seeded: Account, include: Path) -> None:
        shipped = yaml.safe_load((include / "cleanup.yaml").read_text())["rules"]
        self.seeded = seeded
        self.passed = timedelta()
        self.account = night.here(clock=lambda: datetime.now(UTC) + self.passed)
        self.rules = policy(
            {
                name: {**rule, "grace": GRACE}
                for name, rule in shipped.items()
                if not rule["kind"].startswith("s3-")
            }
        )

    def go_on(self, time: timedelta) -> None:
        """Let time pass, for AWS and for us."""
        self.seeded.shift(time)
        self.passed += time


def policy(rules: dict[str, Any], **more: Any) -> Rules:
    """Rules without caps; the local AWS counts a request before it answers it, so that no metric is late."""
    return Rules.model_validate(
        {"rules": rules, "caps": NO_CAPS, "late_metrics": timedelta(), **more}
    )
