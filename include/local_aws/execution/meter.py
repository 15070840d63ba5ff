"""CloudWatch's metrics of invocations, published in batches off the request's path."""

from __future__ import annotations

import threading
from collections import deque

from local_aws.backing.telemetry import Telemetry

NAMESPACE = "AWS/SageMaker"
PERIOD = 1.0

Sample = tuple[str, str, str, str, float, str]


class Meter:
    """Invocations, errors and latencies, by endpoint and variant."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._samples: deque[Sample] = deque()
        self._some = threading.Event()
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="meter", daemon=True).start()

    def count(
        self,
        region: str,
        endpoint: str,
        variant: str,
        status: int,
        model_latency: float,
        overhead: float,
    ) -> None:
        """One invocation; times in seconds, published in microseconds."""
        key = (region, endpoint, variant)
        self._samples.append((*key, "Invocations", 1.0, "None"))
        self._samples.append((*key, "InvocationsPerInstance", 1.0, "None"))
        self._samples.append((*key, "Invocation4XXErrors", float(400 <= status < 500), "None"))
        self._samples.append((*key, "Invocation5XXErrors", float(status >= 500), "None"))
        self._samples.append((*key, "ModelLatency", model_latency * 1e6, "Microseconds"))
        self._samples.append((*key, "OverheadLatency", overhead * 1e6, "Microseconds"))
        self._some.set()

    def _run(self) -> None:
        while self._some.wait():
            self._some.clear()
            self._closed.wait(PERIOD)
            self.flush()

    def flush(self) -> None:
        while self._samples:
            region, endpoint, variant, name, value, unit = self._samples.popleft()
            dimensions = {"EndpointName": endpoint, "VariantName": variant}
            self._telemetry.metric(region, NAMESPACE, name, value, dimensions, unit)
