"""CloudWatch's metrics of endpoints."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from local_aws.execution.placement import Site

if TYPE_CHECKING:
    from local_aws.cloudwatch import CloudWatch

log = logging.getLogger(__name__)

NAMESPACE = "AWS/SageMaker"
# Seconds between AWS's own samples for high-resolution metrics.
SAMPLING = 10.0


class Meter:
    """Where endpoints put values, and what is sampled every so often."""

    def __init__(self, cloudwatch: CloudWatch, sampling: float) -> None:
        """`sampling` is how many seconds apart the samplers of `every` are called."""
        self._cloudwatch, self._sampling = cloudwatch, max(0.1, sampling)
        self._samplers: list[Callable[[], None]] = []
        self._closed = threading.Event()
        threading.Thread(target=self._sample, name="meter", daemon=True).start()

    def put(
        self,
        region: str,
        dimensions: Mapping[str, str],
        values: Mapping[str, float],
        unit: str = "None",
        namespace: str = NAMESPACE,
    ) -> None:
        """Add a value each to some metrics."""
        for name, value in values.items():
            self._cloudwatch.put(region, namespace, name, dimensions, value, unit)

    def variant(
        self,
        site: Site,
        variant: str,
        values: Mapping[str, float],
        unit: str = "None",
        namespace: str = NAMESPACE,
    ) -> None:
        """Add values with the dimensions EndpointName and VariantName, and with EndpointConfigName besides.

        By the latter, alarms watch the new fleet of a deployment alone (deployment-guardrails-configuration).
        """
        dimensions = {"EndpointName": site.endpoint, "VariantName": variant}
        for added in ({}, {"EndpointConfigName": site.config}):
            self.put(site.region, dimensions | added, values, unit, namespace)

    def every(self, sampler: Callable[[], None]) -> None:
        """Call something that puts values now and then, for ever."""
        self._samplers.append(sampler)

    def _sample(self) -> None:
        while not self._closed.wait(self._sampling):
            for sampler in self._samplers:
                try:
                    sampler()
                except Exception:  # the next sample is worth trying
                    log.exception("A metric could not be sampled")

    def close(self) -> None:
        self._closed.set()


def invocation(
    status: int, model_latency: float, overhead: float, instances: int
) -> dict[str, dict[str, float]]:
    """The values of one InvokeEndpoint, by unit; times in seconds, `instances` in service then.

    After the developer guide's "SageMaker Endpoint Invocation Metrics".
    """
    return {
        "None": {
            "Invocations": 1.0,
            "InvocationsPerInstance": 1.0 / max(1, instances),
            "Invocation4XXErrors": float(400 <= status < 500),
            "Invocation5XXErrors": float(status >= 500),
            "InvocationModelErrors": float(not 200 <= status < 300),
        },
        "Microseconds": {
            "ModelLatency": model_latency * 1e6,
            "OverheadLatency": overhead * 1e6,
        },
    }
