"""Snapshots of moto's in-memory services, so that configuration and messages survive a restart.

`save` returns when a change is on disk: what was acknowledged after it survives a kill. A change that was only told
with `touch` is on disk within a fraction of a second, logs within seconds.
"""

from __future__ import annotations

import io
import logging
import pickle
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import moto.backends

from local_aws import ACCOUNT

log = logging.getLogger(__name__)

# Seconds between a change and its snapshot where nobody waits for it; bulk data is never waited for.
DELAY = 0.05
BULK = {"logs": 2.0}

# How often a service is read again that changes meanwhile, before others have their turn.
ATTEMPTS = 5

# An event or a notification is delivered to queues by the service that took it.
DELIVERS = {"events": ("sqs", "logs"), "sns": ("sqs",), "scheduler": ("sqs",)}

_RLOCK, _LOCK = type(threading.RLock()), type(threading.Lock())


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, _RLOCK):
            return threading.RLock, ()
        if isinstance(obj, _LOCK):
            return threading.Lock, ()
        return NotImplemented


class Snapshots:
    """Keeps `<directory>/<service>.pickle` in step with moto."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._due: dict[str, float] = {}
        # How many changes of a service there were, and how many of them its latest snapshot has.
        self._changes: Counter[str] = Counter()
        self._written: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def load(self) -> None:
        """Give moto what earlier snapshots hold, then keep snapshotting."""
        for path in self._directory.glob("*.pickle"):
            backends: Any = moto.backends.get_backend(path.stem)  # type: ignore[call-overload]
            try:
                regions: dict[str, Any] = pickle.loads(path.read_bytes())
            except Exception:
                log.exception("The state of %s is unreadable and was set aside", path.stem)
                path.rename(path.with_suffix(".unreadable"))
                continue
            for region, backend in regions.items():
                dict.__setitem__(backends[ACCOUNT], region, backend)
        self._thread.start()

    def touch(self, service: str) -> None:
        """Say that a service was changed."""
        self._note(service, DELAY)

    def save(self, service: str) -> None:
        """Say that a service was changed; returns when that is on disk, or could not be written."""
        noted = self._note(service, 0.0)
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._stopping or all(self._written[n] >= count for n, count in noted.items())
                )
            )

    def _note(self, service: str, delay: float) -> dict[str, int]:
        """The number of the change in each service that is to be written soon."""
        noted = {}
        with self._changed:
            for name in (service, *DELIVERS.get(service, ())):
                due = time.monotonic() + BULK.get(name, delay)
                self._due[name] = min(due, self._due.get(name, due))
                self._changes[name] += 1
                if name not in BULK:
                    noted[name] = self._changes[name]
            self._changed.notify_all()
        return noted

    def close(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()
        for name in list(self._due):
            self._write(name)

    def _run(self) -> None:
        while not self._stopping:
            with self._changed:
                now = time.monotonic()
                ready = [name for name, due in self._due.items() if due <= now]
                if not ready:
                    self._changed.wait(min(self._due.values(), default=now + 3600) - now)
                for name in ready:
                    del self._due[name]
            for name in ready:
                self._write(name)

    def _write(self, service: str) -> None:
        """Write a snapshot with every change until now. What cannot be written waits for the next change."""
        with self._changed:
            changes = self._changes[service]
        try:
            content = self._pickled(service)
            if content is None:
                self.touch(service)
                return
            target = self._directory / f"{service}.pickle"
            partial = target.with_suffix(".partial")
            partial.write_bytes(content)
            partial.replace(target)
        except Exception:  # whatever moto holds or the disk says: other services are to be saved on
            log.exception("The state of %s could not be saved", service)
        with self._changed:
            self._written[service] = changes
            self._changed.notify_all()

    def _pickled(self, service: str) -> bytes | None:
        """None when it was changed by others each time that it was read."""
        backends: Any = moto.backends.get_backend(service)  # type: ignore[call-overload]
        for _ in range(ATTEMPTS):
            buffer = io.BytesIO()
            with suppress(RuntimeError):  # changed while it was being read: read it again
                _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(dict(backends[ACCOUNT]))
                return buffer.getvalue()
        return None
