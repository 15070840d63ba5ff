"""What is known of a model's server: measured by the compile stage and the load test, or assumed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from frugal.spec import Mistake, SpecError

FILE_NAME = "measured.json"
SERVER_MB = 256.0  # of AWS's model server around the model; assumed
CONTAINER_SECONDS = 10.0  # until AWS's container has started; assumed


@dataclass(frozen=True)
class ModelFacts:
    """Facts of one model behind its server; a request has the traffic's `rows_per_request`.

    `request_ms` is what a request keeps one vCPU busy for, `spread` its p95 over its median. `throughput`
    has the requests a second within the latency target that a load test got from one instance, by type.
    """

    request_ms: float
    spread: float
    rows_per_second: float
    memory_mb: float
    cold_start_seconds: float
    load_seconds: float
    source: str
    throughput: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> ModelFacts:
        """The facts in a model's measured.json, or `ASSUMED` when it has none.

        Raises SpecError naming the file when it does not hold the fields above.
        """
        path = folder / FILE_NAME
        if not path.exists():
            return ASSUMED
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            wanted = ", ".join(cls.__dataclass_fields__)
            mistake = Mistake(1, FILE_NAME, str(error), allowed=wanted)
            raise SpecError(path, [mistake]) from error

    def learnt(self, latency: Mapping[str, Any], source: str) -> ModelFacts:
        """These facts with those of a run's latency document (container/measure.py, container/footprint.py).

        `request_ms` and `throughput` stay: only a load test of an endpoint has the server's share in them.
        """
        started = float(latency["cold_start_seconds"])
        return replace(
            self,
            rows_per_second=float(latency["batch_rows_per_second"]),
            memory_mb=float(latency["memory_mb"]) + SERVER_MB,
            cold_start_seconds=CONTAINER_SECONDS + started,
            load_seconds=started,
            source=source,
        )

    def right_sized(self, serving: Sequence[Mapping[str, Any]]) -> ModelFacts:
        """These facts with those of the load tests in a right_size.json (cost/sizes.py)."""
        measured = [row for row in serving if row["error"] is None and row["calm_p50_ms"]]
        if not measured:
            return self
        calmest = min(measured, key=lambda row: float(row["calm_p50_ms"]))
        rates = {row["instance"]: row["requests_per_second"] for row in measured}
        return replace(
            self,
            request_ms=calmest["calm_p50_ms"],
            spread=max(1.0, calmest["calm_p95_ms"] / calmest["calm_p50_ms"]),
            throughput={**self.throughput, **{each: rate for each, rate in rates.items() if rate}},
        )

    def write(self, folder: Path) -> Path:
        """Keep the facts beside model.yaml, where `auto` reads them; returns the file."""
        path = folder / FILE_NAME
        path.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return path

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


ASSUMED = ModelFacts(
    request_ms=10,
    spread=2,
    rows_per_second=20_000,
    memory_mb=1024,
    cold_start_seconds=15,
    load_seconds=1,
    source="assumed: nothing was measured yet",
)
