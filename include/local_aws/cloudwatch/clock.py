"""Time as alarms and scaling policies see it: AWS's durations, shortened by `--clock`."""

from __future__ import annotations

import threading
from collections.abc import Callable

from local_aws import clock

# A clock that stands still would divide rates by nothing.
SLOWEST = 0.001


class Clock:
    """The local AWS's time, plus what it was told to skip.

    `scale` is how many seconds of this machine one of AWS's seconds lasts: at 0.1 an alarm's Period
    of 60 is over after 6 s.
    """

    def __init__(self, scale: float = 1.0, time_source: Callable[[], float] = clock.now) -> None:
        self.scale = max(scale, SLOWEST)
        self._time = time_source
        self.skipped = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._time() + self.skipped

    def span(self, seconds: float) -> float:
        """How long that many of AWS's seconds last here."""
        return seconds * self.scale

    def skip(self, seconds: float) -> None:
        """Go forward by seconds of this machine."""
        with self._lock:
            self.skipped += seconds
