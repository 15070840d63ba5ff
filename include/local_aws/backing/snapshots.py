"""Snapshots of moto's in-memory services, so that configuration and messages survive a restart.

A change is on disk within a fraction of a second; killing the process inside that window loses it.
"""

from __future__ import annotations

import io
import logging
import pickle
import threading
import time
from pathlib import Path
from typing import Any

import moto.backends

from local_aws import ACCOUNT

log = logging.getLogger(__name__)

# Seconds between a change and its snapshot: short for what clients rely on, longer for bulk data.
DELAYS = {"logs": 2.0}
DEFAULT_DELAY = 0.05

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
        self._changed = threading.Condition()
        self._writing = threading.Lock()
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
        """Say that a request changed a service."""
        with self._changed:
            for name in (service, *DELIVERS.get(service, ())):
                delay = DELAYS.get(name, DEFAULT_DELAY)
                self._due.setdefault(name, time.monotonic() + delay)
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()
        for name in list(self._due):
            self._write(name)

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                now = time.monotonic()
                ready = [name for name, due in self._due.items() if due <= now]
                if not ready:
                    self._changed.wait(min(self._due.values(), default=now + 3600) - now)
                    continue
                for name in ready:
                    del self._due[name]
            for name in ready:
                self._write(name)

    def _write(self, service: str) -> None:
        backends: Any = moto.backends.get_backend(service)  # type: ignore[call-overload]
        for _ in range(5):
            try:
                buffer = io.BytesIO()
                _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(dict(backends[ACCOUNT]))
                break
            except RuntimeError:  # changed while it was being read: read it again
                continue
            except Exception:
                log.exception("The state of %s could not be saved", service)
                return
        else:
            self.touch(service)
            return
        target = self._directory / f"{service}.pickle"
        partial = target.with_suffix(".partial")
        partial.write_bytes(buffer.getvalue())
        partial.replace(target)
