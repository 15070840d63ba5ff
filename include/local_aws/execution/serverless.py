"""A serverless variant: containers that start with the invocations and stop when nobody invokes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local_aws.execution.instances import NoInstances
from local_aws.execution.model_server import Answer, ModelServer, ServerFailed
from local_aws.execution.placement import Placement, Site
from local_aws.execution.variant import Invocation, Throttled, Variant


class ServerlessVariant(Variant):
    """A container each for as many concurrent invocations as this machine has slots; beyond them,
    those there are share. On AWS each of MaxConcurrency has one of its own.

    ProvisionedConcurrency of them are started with the endpoint and stay. One that holds more than
    MemorySizeInMB is killed, as by a container's memory limit, with what it was asked.
    """

    max_payload = 4 * 1024 * 1024

    def __init__(self, site: Site, definition: dict[str, Any], placement: Placement) -> None:
        super().__init__(site, definition, placement)
        self._config: dict[str, int] = dict(definition["ServerlessConfig"])
        self._most = site.app.config.simulation.slots
        self._idle_seconds = site.app.config.simulation.serverless_idle_seconds
        self._changed = threading.Condition()
        self._containers: dict[int, tuple[ModelServer, float]] = {}
        self._starting = self._running = 0

    @property
    def config(self) -> dict[str, int]:
        """Its ServerlessConfig as it is now."""
        return self._config

    def start(self) -> None:
        """Start what stays provisioned, or one container to see that it can. Raises `ServerFailed`."""
        self._warm(max(1, self._provisioned()))
        threading.Thread(target=self._stop_idle, name="serverless", daemon=True).start()

    def configure(self, changes: dict[str, int]) -> None:
        """Take another MaxConcurrency or ProvisionedConcurrency. Raises `ServerFailed`."""
        before, self._config = self._config, self._config | changes
        try:
            self._warm(self._provisioned())
        except ServerFailed:
            self._config = before
            raise

    def _provisioned(self) -> int:
        return min(self._config.get("ProvisionedConcurrency", 0), self._most)

    def _warm(self, count: int) -> None:
        while len(self._containers) < count:
            with self._changed:
                self._starting += 1
            self._add()

    def invoke(self, invocation: Invocation) -> Answer:
        with self._changed:
            if self._running >= self._config["MaxConcurrency"]:
                raise Throttled
            self._running += 1
        self._measure()
        try:
            with self._container() as container:
                return container.invoke(invocation.body, invocation.headers, invocation.timeout)
        finally:
            with self._changed:
                self._running -= 1

    def _measure(self) -> None:
        meter, site, running = self._site.app.meter, self._site, self._running
        values = {"ServerlessConcurrentExecutionsUtilization": self._config["MaxConcurrency"]}
        if "ProvisionedConcurrency" in self._config:
            provisioned = self._config["ProvisionedConcurrency"]
            values["ServerlessProvisionedConcurrencyUtilization"] = provisioned
            spilled = running > provisioned
            kind = "SpilloverInvocations" if spilled else "Invocations"
            meter.variant(site, self.name, {f"ServerlessProvisionedConcurrency{kind}": 1.0})
        for name, of in values.items():
            meter.variant(site, self.name, {name: running / of})

    @contextmanager
    def _container(self) -> Iterator[ModelServer]:
        """An idle container, a new one, or the least busy of all."""
        container = self._take()
        if container is None:
            try:
                container = self._add(claimed=True)
            except ServerFailed as error:
                raise NoInstances(str(error)) from error
        try:
            yield container
        finally:
            with self._changed:
                container.release()
                if id(container) in self._containers:
                    self._containers[id(container)] = (container, time.monotonic())
                self._changed.notify_all()

    def _take(self) -> ModelServer | None:
        """A container, claimed; None when the caller is to start one."""
        with self._changed:
            while True:
                running = [c for c, _ in self._containers.values()]
                idle = [c for c in running if not c.running and c.serving]
                if not idle and len(running) + self._starting < self._most:
                    self._starting += 1
                    return None
                if idle or running:
                    chosen = min(idle or running, key=lambda c: c.running)
                    chosen.claim()
                    return chosen
                self._changed.wait()

    def _add(self, claimed: bool = False) -> ModelServer:
        """Start a container, which `_starting` counts already. Raises `ServerFailed`."""
        began, container = time.monotonic(), self._new_server()
        container.on_death = lambda: self._forget(container)
        try:
            container.start(self._timeout)
        except ServerFailed:
            container.stop(0)
            with self._changed:
                self._starting -= 1
                self._changed.notify_all()
            raise
        with self._changed:
            self._starting -= 1
            if self._closed.is_set():
                threading.Thread(target=container.stop, args=(0,), daemon=True).start()
                raise ServerFailed("The endpoint was deleted while its container started")
            if claimed:
                container.claim()
            self._containers[id(container)] = (container, time.monotonic())
            self._changed.notify_all()
        setup = (time.monotonic() - began) * 1e6
        self._site.app.meter.variant(
            self._site, self.name, {"ModelSetupTime": setup}, "Microseconds"
        )
        return container

    def _forget(self, container: ModelServer) -> None:
        """A container that died is replaced by the next invocation."""
        with self._changed:
            self._containers.pop(id(container), None)
            self._changed.notify_all()
        container.stop(0)

    def _stop_idle(self) -> None:
        while not self._closed.wait(min(1.0, self._idle_seconds / 4)):
            for container in self._idle_too_long():
                container.stop()
            for container in self._too_large():
                container.stop(0)

    def _idle_too_long(self) -> list[ModelServer]:
        limit = time.monotonic() - self._idle_seconds
        with self._changed:
            surplus = len(self._containers) - self._provisioned()
            idle = [c for c, used in self._containers.values() if not c.running and used < limit]
            gone = idle[: max(0, surplus)]
            for container in gone:
                del self._containers[id(container)]
        return gone

    def _too_large(self) -> list[ModelServer]:
        limit, gone = self._config["MemorySizeInMB"], []
        with self._changed:
            containers = [container for container, _ in self._containers.values()]
        for container in containers:
            used = container.memory // 2**20
            if used > limit:
                container.note(
                    f"The container was killed: it held {used} MB, its limit is {limit} MB"
                )
                gone.append(container)
        with self._changed:
            for container in gone:
                self._containers.pop(id(container), None)
        return gone

    def summary(self) -> dict[str, Any]:
        return {
            "VariantName": self.name,
            "CurrentWeight": self.weight,
            "CurrentInstanceCount": 0,
            "CurrentServerlessConfig": self._config,
        }

    def stop(self) -> None:
        super().stop()
        with self._changed:
            containers, self._containers = list(self._containers.values()), {}
            self._changed.notify_all()
        for container, _ in containers:
            container.stop()
