"""What is to happen at a time of the local AWS's clock, a shift of which brings it closer at once."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable

from local_aws import clock

log = logging.getLogger(__name__)

# Seconds: another thread that shifts the clock runs what is due itself.
LONGEST_WAIT = 60.0

Entry = tuple[float, int, Callable[[], None]]


class Timetable:
    """Calls, each at its time, one after the other. What is due when the process ends is the records' to
    say: whoever keeps them enters it again after a restart."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._running = threading.Lock()
        self._closed = False
        threading.Thread(target=self._run, name="timetable", daemon=True).start()

    def at(self, when: float, do: Callable[[], None]) -> None:
        """Call it at `when`, in seconds since 1970, or at once when that has passed."""
        with self._changed:
            heapq.heappush(self._entries, (when, next(self._numbers), do))
            self._changed.notify()

    def run_due(self) -> None:
        """Call what is due, and what that makes due, before returning."""
        with self._running:
            while do := self._due():
                try:
                    do()
                except Exception:
                    log.exception("What was due at this time failed")

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _due(self) -> Callable[[], None] | None:
        with self._changed:
            if self._entries and self._entries[0][0] <= clock.now():
                return heapq.heappop(self._entries)[2]
            return None

    def _run(self) -> None:
        while True:
            self.run_due()
            with self._changed:
                if self._closed:
                    return
                left = self._entries[0][0] - clock.now() if self._entries else LONGEST_WAIT
                if left > 0:
                    self._changed.wait(min(left, LONGEST_WAIT))
