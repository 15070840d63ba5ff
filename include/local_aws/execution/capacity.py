"""Admission: so many jobs run at a time as there are slots, first come, first served."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds between two looks of one that waits: nobody tells it that its own time is over.
LOOK = 1.0


class Capacity:
    """The slots of this machine. Of those that wait only the one whose turn it is is woken, however many there are."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._queue: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def slot(
        self, woken: threading.Event, give_up: Callable[[], bool], pending: Callable[[], None]
    ) -> Iterator[bool]:
        """Hold a slot inside the block; yields False when `give_up` turned true while waiting.

        `pending` is called once if the job has to wait. `give_up` is asked again when `woken`, the job's own, is set,
        and now and then.
        """
        with self._lock:
            self._queue.append(woken)
            waits = not self._is_first(woken)
        if waits:
            pending()
        held = False
        while not give_up() and not (held := self._take(woken)):
            woken.wait(LOOK)
            woken.clear()
        if not held:
            self._leave(woken)
        try:
            yield held
        finally:
            if held:
                self._give_back()

    def _is_first(self, woken: threading.Event) -> bool:
        return self._free > 0 and self._queue[0] is woken

    def _take(self, woken: threading.Event) -> bool:
        with self._lock:
            if not self._is_first(woken):
                return False
            self._queue.popleft()
            self._free -= 1
            self._wake_first()
            return True

    def _leave(self, woken: threading.Event) -> None:
        with self._lock:
            self._queue.remove(woken)
            self._wake_first()

    def _give_back(self) -> None:
        with self._lock:
            self._free += 1
            self._wake_first()

    def _wake_first(self) -> None:
        if self._free and self._queue:
            self._queue[0].set()
