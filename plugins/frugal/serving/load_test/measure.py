"""What the samples say: rates, latencies, errors, and whether the client itself was too slow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from frugal.serving.load_test.drive import Sample

TOO_LATE = 0.05  # of the requests sent more than `LATE_SECONDS` after their time: the client is the bottleneck
LATE_SECONDS = 0.05


@dataclass(frozen=True)
class Measure:
    """Latencies in milliseconds, of answered requests, from when each was due; rates a second."""

    requests: int
    offered: float
    answered: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    errors: Mapping[str, int]
    client_too_slow: bool

    @property
    def error_share(self) -> float:
        """Share of the requests that were not answered."""
        return sum(self.errors.values()) / self.requests

    def is_within(self, latency_ms: float | None, errors: float = 0.001) -> bool:
        """Whether the p95 is under the target (None: any is) and no more than `errors` of the requests failed."""
        if self.p95_ms is None or self.error_share > errors:
            return False
        return latency_ms is None or self.p95_ms <= latency_ms

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "errors": dict(self.errors)}


def measure(samples: Sequence[Sample], seconds: float) -> Measure:
    """The measure of requests that were offered over `seconds`. Raises ValueError when there was none."""
    if not samples:
        raise ValueError("no request was sent: a longer test or a higher rate has some")
    latencies = sorted(sample.latency * 1000 for sample in samples if sample.error is None)
    late = sum(sample.late > LATE_SECONDS for sample in samples)
    took = max(seconds, *(sample.ended for sample in samples))
    return Measure(
        requests=len(samples),
        offered=len(samples) / seconds,
        answered=len(latencies) / took,
        p50_ms=percentile(latencies, 50),
        p95_ms=percentile(latencies, 95),
        p99_ms=percentile(latencies, 99),
        errors=Counter(sample.error for sample in samples if sample.error is not None),
        client_too_slow=late > TOO_LATE * len(samples),
    )


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """The smallest value that `percent` of the ordered values do not exceed (nearest rank); None of no values."""
    if not ordered:
        return None
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]
