"""The `deploy` section: in which form a model is served, how it scales, and how a new version goes live."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from frugal.spec.durations import Duration
from frugal.spec.section import PATTERNS_IN_WORDS, InstanceType, Name, Schedule, Section
from frugal.spec.traffic import Traffic

Strategy = Literal[
    "realtime",
    "serverless",
    "multi-model",
    "async",
    "scale-to-zero",
    "batch",
    "inferentia",
    "auto",
]

SCHEDULE = (
    r"^(cron\(\S+( \S+){5}\)|rate\([1-9]\d* (minute|hour|day)s?\)"
    r"|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\))$"
)
ARN = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:.+$"
PATTERNS_IN_WORDS |= {
    SCHEDULE: "cron(minutes hours day-of-month month day-of-week year), such as cron(0 7 ? * MON-FRI *); rate(1 day); "
    "at(2030-01-31T07:00:00)",
    ARN: "the ARN of an SNS topic",
}

FROM_ZERO = ("async", "scale-to-zero")  # these scale to zero without being asked to
REALTIME_INSTANCE = "ml.m5.large"
INFERENTIA_INSTANCE = "ml.inf2.xlarge"
CAPTURE_PERCENT = 100
MEMORY_MB = 2048
MAX_CONCURRENCY = 5
MAX_FALLBACKS = 4  # ProductionVariant.InstancePools has 1 to 5 entries, botocore's model
CHECKED_WITHIN = timedelta(hours=1)  # a batch model's transform job over held-out rows
IDLE = (timedelta(hours=1), timedelta(days=30))
MAX_BAKE = timedelta(hours=1)  # WaitIntervalInSeconds, botocore's model

Topic = Annotated[str, StringConstraints(pattern=ARN)]


class Step(Section):
    """Capacity added at once when the target's metric is above a value: for bursts."""

    above: float = Field(gt=0)
    add: int = Field(ge=1, le=100)


class Scheduled(Section):
    """The bounds from a time on: `at` is an expression of Application Auto Scaling, not a cron line."""

    at: str = Field(pattern=SCHEDULE)
    timezone: str = Field("UTC", min_length=1)
    min: int | None = Field(None, ge=0)
    max: int | None = Field(None, ge=1)


class Autoscale(Section):
    """How capacity follows traffic: out fast, in slowly.

    Capacity is instances; copies of the model in scale-to-zero, provisioned concurrency in serverless.
    """

    min: int | None = Field(
        None, ge=0, description="default: 0 where AWS allows it, else instances"
    )
    max: int = Field(4, ge=1, le=1000)
    target: float | None = Field(
        None,
        gt=0,
        description="what one unit of capacity is to carry: requests a minute (realtime, multi-model, inferentia, "
        "scale-to-zero; default 600), requests waiting (async; 5), share in use (serverless; 0.7)",
    )
    out_cooldown: Duration = timedelta(minutes=1)
    in_cooldown: Duration = timedelta(minutes=10)
    steps: tuple[Step, ...] = Field((), max_length=20)
    schedule: tuple[Scheduled, ...] = Field((), max_length=20)


class Rollout(Section):
    """How traffic moves to a new version, and what moves it back.

    `percent` is the canary, the linear step or the rolling batch. Both limits are of the new version alone.
    """

    kind: Literal["all-at-once", "canary", "linear", "rolling"] = "canary"
    percent: int = Field(10, ge=5, le=50)
    bake: Duration = Field(
        timedelta(minutes=5), description="how long alarms watch each step; at most 1h"
    )
    errors_percent: float | None = Field(
        1.0, ge=0, lt=100, description="5XX answers a minute; null: no alarm"
    )
    latency_ms: float | None = Field(None, gt=0, description="the model's p95 in a minute")


class Trial(Section):
    """A new version beside the champion: a share of the requests (split), or copies of them (shadow)."""

    kind: Literal["shadow", "split"]
    percent: int = Field(10, ge=1, le=99)


class Notify(Section):
    """SNS topics that hear of each asynchronous answer."""

    success: Topic | None = None
    error: Topic | None = None


class Batch(Section):
    """Transform jobs over whatever lies below `input`, with the newest approved model."""

    schedule: Schedule | None = Field(None, description="cron; default: started by hand")
    input: str | None = Field(None, description="S3 prefix in the bucket; default <name>/batch/in/")


class Vpc(Section):
    """The network that the model's containers are in."""

    subnets: tuple[str, ...] = Field(min_length=1, max_length=16)
    security_groups: tuple[str, ...] = Field(min_length=1, max_length=5)


class Deploy(Section):
    """How the model is served. The defaults cost nothing while nobody asks."""

    strategy: Strategy = "serverless"
    instance: InstanceType | None = Field(
        None, description="default ml.m5.large; inferentia: ml.inf2.xlarge"
    )
    fallback: tuple[InstanceType, ...] = Field(
        (),
        max_length=MAX_FALLBACKS,
        description="tried in this order when `instance` has none left",
    )
    instances: int | None = Field(None, ge=1, le=100, description="default 1")
    memory_mb: int | None = Field(
        None, ge=128, description="serverless; default 2048. scale-to-zero: of a copy; default 2048"
    )
    max_concurrency: int | None = Field(
        None, ge=1, le=1000, description="serverless; default 5. async, batch: of an instance"
    )
    provisioned_concurrency: int | None = Field(None, ge=1, le=200, description="serverless")
    capture_percent: int | None = Field(
        None, ge=0, le=100, description="realtime, inferentia, batch; default 100"
    )
    endpoint: Name | None = Field(
        None,
        description="name of the endpoint; default the model's, in multi-model <team>-models, which models share",
    )
    replace: Literal["when-idle", "remove", "keep"] = Field(
        "when-idle",
        description="what becomes of an endpoint that an earlier form or name of the deployment left",
    )
    idle: Duration = Field(
        timedelta(days=1), description="replace: when-idle; how long nobody asked it before it goes"
    )
    cache_models: bool | None = Field(None, description="multi-model; default true")
    autoscale: Autoscale | None = None
    rollout: Rollout | None = Field(None, description="default: all at once, no alarm")
    trial: Trial | None = Field(None, description="default: a winner replaces the champion")
    notify: Notify | None = Field(None, description="async")
    batch: Batch | None = Field(None, description="batch")
    vpc: Vpc | None = None
    isolated: bool = Field(
        False, description="no network in the container; needs backend onnx or neo"
    )
    traffic: Traffic | None = Field(None, description="for strategy auto and `frugal choose`")

    @property
    def host(self) -> str | None:
        """The instance type that serves; None for serverless."""
        if self.strategy == "serverless":
            return None
        default = INFERENTIA_INSTANCE if self.strategy == "inferentia" else REALTIME_INSTANCE
        return self.instance or default

    @property
    def concurrency(self) -> int:
        """The serverless MaxConcurrency."""
        return self.max_concurrency or max(MAX_CONCURRENCY, self.provisioned_concurrency or 0)

    @property
    def scaling(self) -> Autoscale | None:
        """`autoscale`, which the strategies that scale to zero have without asking."""
        return self.autoscale or (Autoscale() if self.strategy in FROM_ZERO else None)

    @property
    def least(self) -> int:
        """The smallest capacity that the endpoint can have."""
        if self.scaling is None:
            return self.instances or 1
        if self.scaling.min is not None:
            return self.scaling.min
        if self.strategy in FROM_ZERO:
            return 0
        given = self.provisioned_concurrency if self.strategy == "serverless" else self.instances
        return given or 1
