"""A production variant: what serves it, always or on demand, and what it is charged with."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from local_aws.execution.model_server import (
    DEFAULT_STARTUP_TIMEOUT,
    Answer,
    ModelServer,
    ServerFailed,
    restart,
    server_directory,
)

if TYPE_CHECKING:
    from local_aws.app import App


class Throttled(Exception):
    """A serverless variant already runs MaxConcurrency invocations."""


class Variant:
    """One variant of a deployment, with one server here whatever its instance count."""

    max_payload = 25 * 1024 * 1024

    def __init__(
        self,
        app: App,
        region: str,
        endpoint: str,
        definition: dict[str, Any],
        model: dict[str, Any],
    ) -> None:
        self.name: str = definition["VariantName"]
        self.weight: float = definition.get("InitialVariantWeight", 1.0)
        self._app, self._region, self._endpoint = app, region, endpoint
        self._container = model["PrimaryContainer"]
        self._role = model.get("ExecutionRoleArn", "")
        asked = definition.get("ContainerStartupHealthCheckTimeoutInSeconds")
        self._timeout = float(asked or DEFAULT_STARTUP_TIMEOUT)
        self._closed = threading.Event()
        self._lock = threading.RLock()
        self._server: ModelServer | None = None

    def _new_server(self) -> ModelServer:
        return ModelServer(
            self._app,
            self._region,
            self._container,
            self._role,
            server_directory(self._app),
            f"/aws/sagemaker/Endpoints/{self._endpoint}",
            f"{self.name}/i-{uuid.uuid4().hex[:17]}",
            self._died,
        )

    def start(self) -> None:
        """Make the variant able to serve. Raises `ServerFailed`."""
        with self._lock:
            self._server = self._new_server()
        self._server.start(self._timeout)

    def invoke(self, body: bytes, headers: dict[str, str]) -> Answer:
        """Raises `Throttled`, `InvocationTimeout`, or `OSError` when nothing serves."""
        server = self._server
        if server is None:
            raise ConnectionRefusedError("the container is not running")
        return server.invoke(body, headers)

    def _died(self) -> None:
        with self._lock:
            server = self._server
        if server and not self._closed.is_set():
            target = restart
            arguments = (server, self._timeout, self._closed)
            threading.Thread(target=target, args=arguments, daemon=True).start()

    def stop(self) -> None:
        self._closed.set()
        with self._lock:
            server, self._server = self._server, None
        if server:
            server.stop()


class ServerlessVariant(Variant):
    """A variant whose server starts with the first invocation and stops when nobody invokes it.

    All of MaxConcurrency share one server here; on AWS each has a container of its own.
    """

    max_payload = 4 * 1024 * 1024

    def __init__(
        self,
        app: App,
        region: str,
        endpoint: str,
        definition: dict[str, Any],
        model: dict[str, Any],
    ) -> None:
        super().__init__(app, region, endpoint, definition, model)
        serverless = definition["ServerlessConfig"]
        self._slots = threading.BoundedSemaphore(serverless["MaxConcurrency"])
        self._provisioned = "ProvisionedConcurrency" in serverless
        self._running, self._last_used = 0, time.monotonic()

    def start(self) -> None:
        super().start()
        self._last_used = time.monotonic()
        if not self._provisioned:
            threading.Thread(target=self._stop_when_idle, daemon=True).start()

    def invoke(self, body: bytes, headers: dict[str, str]) -> Answer:
        if not self._slots.acquire(blocking=False):
            raise Throttled
        try:
            with self._serving() as server:
                return server.invoke(body, headers)
        finally:
            self._slots.release()

    @contextmanager
    def _serving(self) -> Iterator[ModelServer]:
        with self._lock:
            self._running += 1
            try:
                if self._server is None:
                    self.start()
            except ServerFailed as error:
                self._running -= 1
                raise ConnectionRefusedError(str(error)) from error
            server = self._server
            assert server is not None
        try:
            yield server
        finally:
            with self._lock:
                self._running -= 1
                self._last_used = time.monotonic()

    def _stop_when_idle(self) -> None:
        limit = self._app.config.simulation.serverless_idle_seconds
        while not self._closed.wait(max(0.05, limit - (time.monotonic() - self._last_used))):
            with self._lock:
                if self._running or time.monotonic() - self._last_used < limit:
                    continue
                server, self._server = self._server, None
            if server:
                server.stop()
            return


Factory = Callable[["App", str, str, dict[str, Any], dict[str, Any]], Variant]


def make_variant(
    app: App, region: str, endpoint: str, definition: dict[str, Any], model: dict[str, Any]
) -> Variant:
    kind: Factory = ServerlessVariant if "ServerlessConfig" in definition else Variant
    return kind(app, region, endpoint, definition, model)
