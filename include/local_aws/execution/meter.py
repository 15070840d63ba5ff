"""CloudWatch's metrics of invocations, published in batches off the request's path."""

from __future__ import annotations

import threading
import time

from local_aws.backing.telemetry import Samples, Telemetry

NAMESPACE = "AWS/SageMaker"
PERIOD = 1.0

Key = tuple[str, str, str, str, str]


class Meter:
    """Invocations, errors and latencies, by endpoint and variant, summed up over `PERIOD` seconds.

    Without single values there are no percentiles, which the embedded CloudWatch has not either.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._sums: dict[Key, Samples] = {}
        self._lock = threading.Lock()
        self._some = threading.Event()
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
        values = {
            ("Invocations", "None"): 1.0,
            ("InvocationsPerInstance", "None"): 1.0,
            ("Invocation4XXErrors", "None"): float(400 <= status < 500),
            ("Invocation5XXErrors", "None"): float(status >= 500),
            ("ModelLatency", "Microseconds"): model_latency * 1e6,
            ("OverheadLatency", "Microseconds"): overhead * 1e6,
        }
        with self._lock:
            for (name, unit), value in values.items():
                key = (region, endpoint, variant, name, unit)
                if key in self._sums:
                    self._sums[key].add(value)
                else:
                    self._sums[key] = Samples.of(value)
        self._some.set()

    def _run(self) -> None:
        while self._some.wait():
            time.sleep(PERIOD)
            self._some.clear()
            self.flush()

    def flush(self) -> None:
        with self._lock:
            sums, self._sums = self._sums, {}
        for (region, endpoint, variant, name, unit), samples in sums.items():
            dimensions = {"EndpointName": endpoint, "VariantName": variant}
            self._telemetry.metric(region, NAMESPACE, name, samples, dimensions, unit)
