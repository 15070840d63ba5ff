"""The client that batch transform is to a model's container: waits for it, asks it, sends it data."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PING_TIMEOUT = 2.0
PING_PERIOD = 0.05

#: Seconds until a container has to answer `/ping`; AWS's own are unverified.
STARTUP_TIMEOUT = 120.0

STRATEGIES = {"SINGLE_RECORD": "SingleRecord", "MULTI_RECORD": "MultiRecord"}


class Unanswered(Exception):
    """The container gave no result for a request; `status` is its last HTTP status, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class BatchClient:
    """Requests to the container at a loopback port. `gone` says that it runs no longer."""

    port: int
    timeout: float
    retries: int
    gone: Callable[[], bool]

    def wait(self) -> None:
        """Wait until it answers `/ping`. Raises `Unanswered`."""
        deadline = time.monotonic() + STARTUP_TIMEOUT
        pause = threading.Event()
        while not self._healthy():
            if self.gone() or time.monotonic() > deadline:
                raise Unanswered("The container did not pass the ping health check")
            pause.wait(PING_PERIOD)

    def _healthy(self) -> bool:
        try:
            return self._exchange("GET", "/ping", None, {}, PING_TIMEOUT)[0] == 200
        except OSError:
            return False

    def parameters(self) -> dict[str, Any]:
        """What the container wants of MaxConcurrentTransforms, BatchStrategy and MaxPayloadInMB, in
        the words of the API; nothing when it has no `/execution-parameters`."""
        try:
            status, body = self._exchange("GET", "/execution-parameters", None, {}, PING_TIMEOUT)
            wanted = json.loads(body) if status == 200 else {}
        except (OSError, ValueError):
            return {}
        if not isinstance(wanted, dict):
            return {}
        if "BatchStrategy" in wanted:
            wanted["BatchStrategy"] = STRATEGIES.get(wanted["BatchStrategy"], "MultiRecord")
        return wanted

    def send(self, body: bytes, headers: dict[str, str]) -> bytes:
        """The answer to one batch; a server error and silence are tried again. Raises `Unanswered`."""
        for attempt in range(self.retries + 1):
            try:
                return self._invoke(body, headers)
            except Unanswered as error:
                refused = error.status is not None and error.status < 500
                if refused or attempt == self.retries or self.gone():
                    raise
        raise AssertionError("unreachable")

    def _invoke(self, body: bytes, headers: dict[str, str]) -> bytes:
        try:
            status, answer = self._exchange("POST", "/invocations", body, headers, self.timeout)
        except TimeoutError as error:
            raise Unanswered(
                f"Model server did not respond to /invocations request within {self.timeout:.0f} "
                "seconds"
            ) from error
        except OSError as error:
            raise Unanswered(f"The container cannot be reached: {error}") from error
        if not 200 <= status < 300:
            text = answer[:200].decode(errors="replace")
            raise Unanswered(f"Bad HTTP status received from algorithm: {status}\n{text}", status)
        return answer

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], timeout: float
    ) -> tuple[int, bytes]:
        """Raises `OSError`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        finally:
            connection.close()


def variables(request: dict[str, Any]) -> dict[str, str]:
    """What tells a container the settings of CreateTransformJob, as far as the request has them."""
    spelled = {strategy: name for name, strategy in STRATEGIES.items()}
    found = {
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": request.get("MaxPayloadInMB"),
        "SAGEMAKER_BATCH_STRATEGY": spelled.get(request.get("BatchStrategy", "")),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": request.get("MaxConcurrentTransforms"),
    }
    return {name: str(value) for name, value in found.items() if value is not None}
