"""Admission: so many jobs run at a time as there are slots, first come, first served."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Capacity:
    """The slots of this machine."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def slot(self, give_up: Callable[[], bool], pending: Callable[[], None]) -> Iterator[bool]:
        """Hold a slot inside the block; yields False when `give_up` turned true while waiting.

        `pending` is called once if the job has to wait. `give_up` is asked again when `wake` is
        called and a few times a second.
        """
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            if not self._first(ticket):
                pending()
            while (waiting := not give_up()) and not self._first(ticket):
                self._changed.wait(0.2)
            held = waiting
            self._queue.remove(ticket)
            self._free -= held
            self._changed.notify_all()
        try:
            yield held
        finally:
            with self._changed:
                self._free += held
                self._changed.notify_all()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _first(self, ticket: object) -> bool:
        return self._free > 0 and self._queue[0] is ticket
