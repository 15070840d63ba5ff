"""The traffic that a model is to serve: what the chooser weighs the forms of serving by."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from frugal.spec.section import Section

HOURS = 24
MOST_REQUESTS_A_DAY = 1_000_000_000

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Traffic(Section):
    """Requests as the team expects them. `shape` has 24 weights, one an hour of the day, UTC."""

    requests_per_day: float = Field(
        gt=0,
        le=MOST_REQUESTS_A_DAY,
        description="mean over a week; where there are none, no traffic section",
    )
    peak_per_second: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="default: twice the busiest hour's mean"
    )
    shape: tuple[Weight, ...] | None = Field(
        None, min_length=HOURS, max_length=HOURS, description="default: the same in every hour"
    )
    idle_hours: float = Field(
        0, ge=0, lt=HOURS, description="hours a day without a request, where no shape is given"
    )
    payload_kb: float = Field(1, gt=0, allow_inf_nan=False, description="of a request")
    response_kb: float = Field(1, gt=0, allow_inf_nan=False)
    rows_per_request: int = Field(1, ge=1, le=1_000_000)
    latency_ms: float | None = Field(
        1000,
        gt=0,
        allow_inf_nan=False,
        description="the p95 that users need; null: answers may come any time",
    )
    errors_when_cold: bool = Field(
        False, description="whether callers retry requests that fail while nothing is running"
    )
    siblings: int = Field(
        0,
        ge=0,
        le=10_000,
        description="other models of the same container and about the same traffic",
    )

    @property
    def weights(self) -> tuple[float, ...]:
        """Of each hour of the day: the shape; without one the same for each hour that is not idle."""
        busy = HOURS - self.idle_hours
        return self.shape or tuple(min(1.0, max(0.0, busy - hour)) for hour in range(HOURS))

    @property
    def busiest_hour(self) -> float:
        """Requests of the busiest hour."""
        return self.requests_per_day * max(self.weights) / (sum(self.weights) or 1.0)
