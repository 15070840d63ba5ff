"""The servers behind one variant or component: as many as are wanted, each drained before it goes."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from local_aws.execution.model_server import (
    INVOCATION_TIMEOUT,
    ModelServer,
    ServerFailed,
    restart,
)

T = TypeVar("T")


class NoInstances(ConnectionRefusedError):
    """Nothing is there to serve."""


class Instances:
    """Servers made by `make`, started and stopped to a number while they serve.

    `timeout` is the seconds a container has to pass its health check, `drain` how long one that is
    scaled in may finish what it does. `least_outstanding` sends an invocation to the least busy server,
    as RoutingConfig's LEAST_OUTSTANDING_REQUESTS; otherwise to any, AWS's default.
    """

    def __init__(
        self,
        make: Callable[[], ModelServer],
        timeout: float,
        *,
        least_outstanding: bool = False,
    ) -> None:
        self._make, self._timeout, self.drain = make, timeout, INVOCATION_TIMEOUT
        self._least_outstanding = least_outstanding
        self._servers: list[ModelServer] = []
        self._starting: list[ModelServer] = []
        self._lock = threading.Lock()
        self._scaling = threading.Lock()
        self._closed = False

    def scale(self, count: int) -> None:
        """Bring the number of servers to `count`; returns when they serve, or are gone.

        Raises `ServerFailed`: those that were there before are left as they were.
        """
        with self._scaling:
            with self._lock:
                surplus = self._servers[count:]
                del self._servers[count:]
                missing = count - len(self._servers)
            if missing > 0:
                self._add(missing)
            _each(lambda server: server.stop(self.drain), surplus)

    def _add(self, missing: int) -> None:
        added: list[ModelServer] = []
        try:
            _each(lambda _: added.append(self._started()), range(missing))
        except Exception:
            _each(lambda server: server.stop(0), added)
            raise
        with self._lock:
            closed = self._closed
            self._servers += [] if closed else added
        if closed:
            _each(lambda server: server.stop(0), added)
            raise ServerFailed("The endpoint was deleted while its containers started")

    def _started(self) -> ModelServer:
        server = self._make()
        server.on_death = partial(self._died, server)
        with self._lock:
            if self._closed:
                server.stopped.set()
            self._starting.append(server)
        try:
            server.start(self._timeout)
        except ServerFailed:
            server.stop(0)
            raise
        finally:
            with self._lock:
                self._starting.remove(server)
        return server

    def _died(self, server: ModelServer) -> None:
        threading.Thread(target=restart, args=(server, self._timeout), daemon=True).start()

    @contextmanager
    def one(self, prefer: Callable[[ModelServer], bool] | None = None) -> Iterator[ModelServer]:
        """A server to invoke, that does not stop meanwhile; one that `prefer` likes, if there is one.

        Raises `NoInstances`.
        """
        with self._lock:
            if not self._servers:
                raise NoInstances("there is no instance")
            fit = [server for server in self._servers if server.serving] or self._servers
            fit = [server for server in fit if prefer and prefer(server)] or fit
            if self._least_outstanding:
                least = min(server.running for server in fit)
                fit = [server for server in fit if server.running == least]
            server = random.choice(fit)
            server.claim()
        try:
            yield server
        finally:
            server.release()

    @property
    def count(self) -> int:
        return len(self._servers)

    @property
    def running(self) -> int:
        """Invocations under way."""
        with self._lock:
            return sum(server.running for server in self._servers)

    def all(self) -> list[ModelServer]:
        """Those that serve."""
        with self._lock:
            return list(self._servers)

    def types(self) -> dict[str, int]:
        """How many there are of each instance type."""
        with self._lock:
            return dict(Counter(server.instance_type for server in self._servers))

    def stop(self) -> None:
        """Stop everything, for ever."""
        with self._lock:
            self._closed = True
            for server in self._starting:
                server.stopped.set()
            servers, self._servers = self._servers, []
        _each(lambda server: server.stop(), servers)


def _each(do: Callable[[T], object], what: Iterable[T]) -> None:
    """Do it with all at the same time; raises what the first one raised, after all are done."""
    items = list(what)
    if not items:
        return
    with ThreadPoolExecutor(len(items)) as pool:
        futures = [pool.submit(do, item) for item in items]
    for future in futures:
        future.result()
