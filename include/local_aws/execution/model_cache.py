"""What one multi-model container has loaded: the least recently used model goes when memory is full."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_aws.backing.objects import StoredObject
from local_aws.execution.model_server import INVOCATION_TIMEOUT, Answer, ModelServer
from local_aws.execution.transfer import unpack

NO_MEMORY = 507
Measure = Callable[[str, float], None]


class LoadFailed(Exception):
    """The container refused a model; `answer` is what it said."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class NotReady(Exception):
    """Every model that is loaded is in use, and stayed so."""


@dataclass
class _Entry:
    target: str
    ready: bool = False
    users: int = 0
    used: float = 0.0


class ModelCache:
    """The models of one container, by TargetModel, loaded on the first request for each.

    `measure` takes a metric's name and microseconds. Without `keep` a model is unloaded as soon as
    nobody uses it: ModelCacheSetting Disabled.
    """

    def __init__(self, server: ModelServer, keep: bool, measure: Measure) -> None:
        self._server, self._keep, self._measure = server, keep, measure
        self._entries: dict[str, _Entry] = {}
        self._start = server.starts
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return sum(entry.ready for entry in list(self._entries.values()))

    def __contains__(self, target: str) -> bool:
        return target in self._entries

    @contextmanager
    def model(self, target: str, find: Callable[[], StoredObject]) -> Iterator[tuple[str, bool]]:
        """The container's name of a model, which stays loaded inside the block, and whether it was
        loaded before.

        Raises what `find` raises, `LoadFailed`, `NotReady`, `DownloadError`, or as
        `ModelServer.request`.
        """
        entry, name = self._hold(target), _name(target)
        hit = entry.ready
        if not hit:
            try:
                self._load(entry, name, find)
            except BaseException:
                self._drop(entry)
                raise
        try:
            yield name, hit
        finally:
            self._release(entry, name)

    def _hold(self, target: str) -> _Entry:
        """Count a user in; one that is not ready is the caller's to load."""
        with self._changed:
            if self._start != self._server.starts:  # the container was replaced: it has nothing
                self._start, self._entries = self._server.starts, {}
            while target in self._entries and not self._entries[target].ready:
                self._changed.wait()
            entry = self._entries.setdefault(target, _Entry(target))
            entry.users += 1
            entry.used = time.monotonic()
            return entry

    def _release(self, entry: _Entry, name: str) -> None:
        with self._changed:
            entry.users -= 1
            unload = entry.ready and entry.users == 0 and not self._keep
            entry.ready = entry.ready and not unload
            self._changed.notify_all()
        if unload:
            self._unload(entry, name)

    def _drop(self, entry: _Entry) -> None:
        with self._changed:
            if self._entries.get(entry.target) is entry:
                del self._entries[entry.target]
            self._changed.notify_all()

    def _load(self, entry: _Entry, name: str, find: Callable[[], StoredObject]) -> None:
        stored, directory = find(), self._directory(name)
        with self._timed("ModelDownloadingTime"):
            shutil.rmtree(directory.parent, ignore_errors=True)
            directory.mkdir(parents=True)
            unpack(stored.path, directory)
        deadline = time.monotonic() + INVOCATION_TIMEOUT
        body = json.dumps({"model_name": name, "url": str(directory)}).encode()
        while True:
            started = time.monotonic()
            answer = self._server.request(
                "POST", "/models", body, {"Content-Type": "application/json"}
            )
            if answer.status != NO_MEMORY:
                break
            self._make_room(deadline)
        self._measure("ModelLoadingTime", (time.monotonic() - started) * 1e6)
        if answer.status not in (200, 409):
            raise LoadFailed(answer)
        with self._changed:
            entry.ready = True
            self._changed.notify_all()

    def _make_room(self, deadline: float) -> None:
        """Unload the model that nobody has used for the longest. Raises `NotReady`."""
        with self._changed:
            while True:
                idle = [e for e in self._entries.values() if e.ready and not e.users]
                if idle:
                    break
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    raise NotReady
            oldest = min(idle, key=lambda entry: entry.used)
            oldest.ready = False
        self._unload(oldest, _name(oldest.target))

    def _unload(self, entry: _Entry, name: str) -> None:
        """Take a model, which nobody can get any more, out of the container and off the disk."""
        try:
            with self._timed("ModelUnloadingTime"):
                self._server.request("DELETE", f"/models/{name}")
            shutil.rmtree(self._directory(name).parent, ignore_errors=True)
        finally:
            self._drop(entry)

    def _directory(self, name: str) -> Path:
        return self._server.base / "models" / name / "model"

    @contextmanager
    def _timed(self, metric: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._measure(metric, (time.monotonic() - started) * 1e6)


def _name(target: str) -> str:
    """The container's name of a model: AWS's is a hash of its path, too."""
    return hashlib.sha256(target.encode()).hexdigest()[:32]
