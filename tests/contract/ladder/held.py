"""Put before a model's train.py: a job named held<n>-... goes on past round 40 k only once it was interrupted k times,
for k up to n. So a test interrupts where it means to, however fast or slow the machine is.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from container import boosting, checkpoint

ROUNDS = 40
interrupted = threading.Event()


class Held(checkpoint.Attempts):
    """Its k-th attempt waits at round 40 k."""

    def reached(self, step: int) -> None:
        super().reached(step)
        attempt = len(self._path.read_text().splitlines())
        held = re.match(r"held(\d+)-", os.environ["TRAINING_JOB_NAME"])
        waits = held is not None and attempt <= int(held[1]) and step == ROUNDS * attempt
        if waits:
            (self._path.parent / "held").write_text(str(attempt))
        while waits and not interrupted.is_set():
            time.sleep(0.02)


@contextmanager
def sigterm() -> Iterator[threading.Event]:
    """As checkpoint.sigterm, with the event where `Held` sees it."""
    global interrupted
    with checkpoint.sigterm() as interrupted:
        yield interrupted


vars(boosting).update(Attempts=Held, sigterm=sigterm)
