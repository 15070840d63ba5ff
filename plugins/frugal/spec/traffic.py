"""The traffic that a model is to serve: what the chooser weighs the forms of serving by."""

from __future__ import annotations

from pydantic import Field

from frugal.spec.section import Section

HOURS = 24


class Traffic(Section):
    """Requests as the team expects them. `shape` has 24 weights, one an hour of the day, UTC."""

    requests_per_day: float = Field(gt=0, description="mean over a week")
    peak_per_second: float | None = Field(
        None, gt=0, description="default: twice the busiest hour's mean"
    )
    shape: tuple[float, ...] | None = Field(
        None, min_length=HOURS, max_length=HOURS, description="default: the same in every hour"
    )
    idle_hours: float = Field(
        0, ge=0, lt=HOURS, description="hours a day without a request, where no shape is given"
    )
    payload_kb: float = Field(1, gt=0, description="of a request")
    response_kb: float = Field(1, gt=0)
    rows_per_request: int = Field(1, ge=1)
    latency_ms: float | None = Field(
        1000, gt=0, description="the p95 that users need; null: answers may come any time"
    )
    errors_when_cold: bool = Field(
        False, description="whether callers retry requests that fail while nothing is running"
    )
    siblings: int = Field(
        0, ge=0, description="other models of the same container and about the same traffic"
    )
