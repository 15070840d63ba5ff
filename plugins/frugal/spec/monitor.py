"""The `monitor` section: what is captured and compared with the baseline, how often, and what drift leads to."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from frugal.spec.durations import Duration
from frugal.spec.section import InstanceType, Schedule, Section

HOUR = timedelta(hours=1)
LONGEST_WINDOW = timedelta(days=31)
MODEL_MONITOR = "model-monitor"
TOPIC = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$"


class Thresholds(Section):
    """What of an effect is drift. A significant test alone is none: the effect decides."""

    psi: float = Field(0.2, gt=0, description="population stability index")
    ks: float = Field(0.1, gt=0, lt=1, description="Kolmogorov-Smirnov distance")
    jensen_shannon: float = Field(0.1, gt=0, le=1, description="distance, base 2")
    wasserstein: float = Field(0.1, gt=0, description="in standard deviations of the baseline")
    chi_square: float = Field(0.1, gt=0, le=1, description="Cramer's V")
    completeness: float = Field(0.05, gt=0, le=1, description="fall of the share that is present")
    quality: float = Field(0.1, gt=0, description="relative loss of the metric, with ground truth")
    significance: float = Field(
        0.01, gt=0, lt=1, description="of all tests of a window together, not of each"
    )


class Retrain(Section):
    """The gate between drift and money. It records what it decides, and why, either way."""

    on_drift: Literal["retrain", "ask", "alert"] = Field(
        "retrain", description="ask: somebody approves it in Airflow; alert: nothing is retrained"
    )
    cooldown: Duration = Field(timedelta(days=1), description="since the last training")
    per_week: int = Field(2, ge=1, le=100, description="retrainings in seven days")
    budget_month: float | None = Field(
        None, gt=0, description="USD for retrainings in a calendar month"
    )
    value: float | None = Field(
        None, gt=0, description="USD that one unit of the metric is worth; needs ground truth"
    )
    answer_within: Duration = Field(timedelta(days=1), description="ask: no answer is a no")


class Monitor(Section):
    """The baseline, and the windows of captured traffic that are compared with it."""

    backend: Literal["frugal", "model-monitor"] = Field(
        "frugal", description="model-monitor: AWS's schedules, in accounts that have them"
    )
    schedule: Schedule | None = Field(None, description="cron; default: nothing is watched")
    window: Duration = Field(timedelta(days=1), description="whole hours; the last one that ended")
    min_samples: int = Field(500, ge=1, description="fewer rows are `unknown`, not `no drift`")
    thresholds: Thresholds = Thresholds()
    ignore: tuple[str, ...] = Field((), description="columns that are shown and decide nothing")
    pii: dict[str, Literal["hash", "drop"]] = Field(
        default_factory=dict, description="features that capture hashes or leaves out"
    )
    capture_percent: float = Field(
        100,
        gt=0,
        le=100,
        description="of requests, where the model's handlers capture: serverless, async, scale-to-zero, multi-model, "
        "and with pii",
    )
    truth: str | None = Field(
        None,
        description="S3 prefix of ground truth in the bucket; default <name>/truth/, model-monitor: none",
    )
    retrain: Retrain = Retrain()
    alerts: str | None = Field(
        None,
        pattern=TOPIC,
        description="ARN of the SNS topic that hears of drift, decisions and dead letters",
    )
    instance: InstanceType = "ml.m5.large"
    max_run: Duration = timedelta(minutes=30)
