"""Shadow variants: a share of the requests once more, to a model whose answers nobody gets."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local_aws.execution.meter import invocation as metrics_of
from local_aws.execution.model_server import InvocationTimeout
from local_aws.execution.placement import Site
from local_aws.execution.traffic import Sample
from local_aws.execution.variant import Invocation, Variant

THREADS = 4


class Shadow:
    """A shadow variant of a deployment, beside its production variant `beside`.

    It gets InitialVariantWeight / the production variant's of the requests (the ratio is how AWS's
    examples read; unverified). They are sent on after the production variant answered or failed, so
    that they never add to a request's latency.
    """

    def __init__(self, site: Site, variant: Variant, beside: dict[str, Any]) -> None:
        self.variant = variant
        self._site = site
        self._sample = Sample(variant.weight / (beside.get("InitialVariantWeight", 1.0) or 1.0))
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="shadow")

    def mirror(self, invocation: Invocation) -> None:
        """Maybe send a copy of an invocation; returns at once."""
        if self._sample.takes():
            self._pool.submit(self._send, invocation)

    def _send(self, invocation: Invocation) -> None:
        started = time.monotonic()
        try:
            answer = self.variant.invoke(invocation)
            status, latency = answer.status, answer.latency
        except InvocationTimeout:
            status, latency = 504, invocation.timeout
        except OSError:
            status, latency = 503, 0.0
        overhead = time.monotonic() - started - latency
        count = self.variant.instances.count
        for unit, values in metrics_of(status, latency, overhead, count).items():
            self._site.app.meter.variant(self._site, self.variant.name, values, unit)
