"""One container of an endpoint: a model server process, its health, its invocations."""

from __future__ import annotations

import logging
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_aws.execution.connections import Connections, HeldPort, Timeout, answers_ping
from local_aws.execution.images import ImageUnavailable
from local_aws.execution.job import LogStream
from local_aws.execution.layout import Layout
from local_aws.execution.model_data import fetch_model
from local_aws.execution.process import Process
from local_aws.execution.transfer import DownloadError

if TYPE_CHECKING:
    from local_aws.app import App

log = logging.getLogger(__name__)

INVOCATION_TIMEOUT = 60.0
PING_PERIOD = 0.05
# Seconds that a container has to answer /ping after its start (docs: your-algorithms-inference-code).
DEFAULT_STARTUP_TIMEOUT = 480.0
UNHEALTHY = (
    "The primary container for the production variant did not pass the ping health check. Please "
    "check CloudWatch logs for this endpoint."
)


class ServerFailed(Exception):
    """The container did not come up, in the words of an endpoint's FailureReason."""


class InvocationTimeout(Exception):
    """The container did not answer in time."""


@dataclass(frozen=True)
class Answer:
    """A container's response to an invocation; `latency` in seconds."""

    status: int
    headers: dict[str, str]
    body: bytes
    latency: float


@dataclass
class ModelServer:
    """A model behind `/ping` and `/invocations` on a loopback port of its own.

    `container` is the model's ContainerDefinition; `log_group` and `log_stream` are where AWS puts
    the container's output. `on_death` is called when the process ends without being told to.
    A container whose Mode is MultiModel starts without a model. `starts` counts its processes.
    """

    app: App
    region: str
    container: dict[str, Any]
    role: str
    base: Path
    log_group: str
    log_stream: str
    on_death: Callable[[], None]
    instance_type: str = ""
    starts: int = 0
    _connections: Connections = field(default_factory=lambda: Connections(0))
    _process: Process | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _watched: bool = False
    _running: int = 0
    _quiet: threading.Condition = field(default_factory=threading.Condition)

    def start(self, timeout: float) -> None:
        """Fetch the model, start the process, wait for `/ping`. Raises `ServerFailed`."""
        port = HeldPort()
        try:
            process = self._launch(port.number)
            deadline = time.monotonic() + timeout
            while not answers_ping(port.number):
                if self._stopped.is_set():
                    self._end()
                    raise ServerFailed("The endpoint was deleted while its container started")
                if process.code is not None or time.monotonic() > deadline:
                    self._end()
                    raise ServerFailed(UNHEALTHY)
                process.wait(PING_PERIOD)
        except (DownloadError, ImageUnavailable, OSError) as error:
            raise ServerFailed(str(error)) from error
        finally:
            port.release()
        self._watched = True

    def _launch(self, port: int) -> Process:
        self._watched = False
        self.starts += 1
        layout = Layout(self.base)
        image = self.app.images.find(self.container["Image"])
        asked = self.container.get("Environment", {})
        variables = {"OMP_NUM_THREADS": "1", **asked}
        if self.container.get("Mode") == "MultiModel":
            variables["SAGEMAKER_MULTI_MODEL"] = "true"
        else:
            fetch_model(
                self.app.objects, self.container, layout.base / "model", self.region, self.role
            )
        self._connections = Connections(port)
        variables["SAGEMAKER_BIND_TO_PORT"] = str(port)
        environment = layout.environment(image, self.app.config.url, self.region, variables)
        argv = [str(image.python), str(image.program("serve"))]
        logs = LogStream(self.app, self.region, self.log_group, self.log_stream, None)
        command = layout.command(argv, environment)
        self._process = Process(command, logs.write, self._ended)
        return self._process

    def _ended(self) -> None:
        if self._watched and not self._stopped.is_set():
            self._watched = False
            self.on_death()

    @property
    def serving(self) -> bool:
        """Whether its process runs and has answered `/ping`."""
        return self._watched

    @property
    def stopped(self) -> threading.Event:
        """Set once it was told to stop: it never comes back."""
        return self._stopped

    @property
    def running(self) -> int:
        """How many hold it: no stop interrupts what they do."""
        return self._running

    @property
    def memory(self) -> int:
        """Bytes of memory that the container holds; 0 where the system does not tell."""
        return self._process.memory() if self._process else 0

    @property
    def cpu(self) -> float:
        """Seconds of processors that the container used; 0 where the system does not tell."""
        return self._process.cpu() if self._process else 0.0

    def note(self, line: str) -> None:
        """Write a line to the container's log."""
        self.app.telemetry.log(self.region, self.log_group, self.log_stream, [line])

    def claim(self) -> None:
        """Hold it, until `release`."""
        with self._quiet:
            self._running += 1

    def release(self) -> None:
        with self._quiet:
            self._running -= 1
            self._quiet.notify_all()

    def invoke(
        self, body: bytes, headers: dict[str, str], timeout: float = INVOCATION_TIMEOUT
    ) -> Answer:
        """POST /invocations. Raises as `request`."""
        return self.request("POST", "/invocations", body, headers, timeout)

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        timeout: float = INVOCATION_TIMEOUT,
    ) -> Answer:
        """One exchange with the container.

        Raises `InvocationTimeout`, or `OSError` when the container cannot be reached.
        """
        self.claim()
        started = time.monotonic()
        try:
            asked = (method, path, body, headers or {})
            status, answered, content = self._connections.exchange(asked, timeout)
        except Timeout as error:
            raise InvocationTimeout from error
        finally:
            self.release()
        return Answer(status, answered, content, time.monotonic() - started)

    def stop(self, patience: float = INVOCATION_TIMEOUT) -> None:
        """Let invocations finish for up to `patience` seconds, then end the process as a container is
        ended: SIGTERM, a moment, SIGKILL."""
        self._stopped.set()
        with self._quiet:
            self._quiet.wait_for(lambda: self._running == 0, patience)
        self._end()
        shutil.rmtree(self.base, ignore_errors=True)

    def _end(self) -> None:
        self._watched = False
        if self._process:
            self._process.terminate(self.app.config.simulation.wait(30))
        self._connections.close()


def server_directory(app: App) -> Path:
    return app.config.state / "servers" / uuid.uuid4().hex


def restart(server: ModelServer, timeout: float) -> None:
    """Bring a container that died back, waiting longer after each failure, as SageMaker does."""
    pause = 0.5
    while not server.stopped.wait(pause):
        try:
            server.start(timeout)
            return
        except ServerFailed as error:
            log.warning("%s did not restart: %s", server.log_stream, error)
            pause = min(30.0, pause * 2)
