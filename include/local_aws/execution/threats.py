"""What the faults have in store for one run of a container: a reclaim, or a failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local_aws.execution.signals import Signal
from local_aws.faults import Faults, Rule

#: How often (seconds) the faults are asked while there are none for containers, and while there are.
CALM, ALERT = 1.0, 0.1


class Threats:
    """The faults of a run that starts now. Rules that are added while it runs count, too.

    `facts` is what the job is; `subject` names the run. Only spot capacity is reclaimed.
    """

    def __init__(self, faults: Faults, facts: dict[str, Any], subject: str) -> None:
        self._faults, self._facts, self._subject = faults, facts, subject
        self._kinds = ("fail-container", "reclaim") if facts["spot"] else ("fail-container",)
        self._started = time.monotonic()
        self._planned: dict[int, float | None] = {}
        self._struck: set[int] = set()
        self.failure: Rule | None = None

    @property
    def period(self) -> float:
        """Seconds until the faults have to be asked again."""
        return ALERT if self._faults.holds(*self._kinds) else CALM

    def due(self) -> Signal | None:
        """FAULT when the container fails now, INTERRUPT when its capacity is reclaimed now."""
        for kind in self._kinds:
            for rule in self._faults.live(kind, **self._facts):
                if self._strikes(rule):
                    if kind == "reclaim":
                        return Signal.INTERRUPT
                    self.failure = rule
                    return Signal.FAULT
        return None

    def _strikes(self, rule: Rule) -> bool:
        if rule.id not in self._planned:
            self._planned[rule.id] = self._faults.planned(rule, self._subject)
        when = self._planned[rule.id]
        if when is None or rule.id in self._struck or time.monotonic() - self._started < when:
            return False
        self._struck.add(rule.id)
        return self._faults.fire(rule)

    def fail(self, base: Path, log: Callable[[list[str]], None]) -> int:
        """Leave what a container that failed leaves below `base`, and give its exit code."""
        assert self.failure is not None
        message: str = self.failure["message"]
        log([message])
        for name in ("failure", "message"):
            (base / "output" / name).write_text(message)
        return int(self.failure["exit_code"])
