"""The train section of a model.yaml, its capacity ladder, and the rules that both keep."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, Literal

from pydantic import Field, model_validator

from frugal.spec.durations import MAX_RUN, Duration
from frugal.spec.regions import REGIONS
from frugal.spec.rule import Finding, rule, warning
from frugal.spec.section import (
    REGION,
    SCRIPT,
    VERSION,
    Hyperparameter,
    InstanceType,
    Section,
)

# StoppingCondition.MaxPendingTimeInSeconds, botocore's model: 1800 to 2419200 seconds, and "takes effect only for
# [...] accelerated computing instance types, such as [...] the ml.p, ml.g, and ml.trn families".
PENDING = (timedelta(minutes=30), timedelta(days=28))
ACCELERATED = ("ml.p", "ml.g", "ml.trn")
#: The images that the containers' code is written for, the default one first. Older ones of PyTorch may lack pyarrow.
VERSIONS = {"xgboost": ("3.0-5", "3.2-0"), "pytorch": ("2.13",)}


class Rung(Section):
    """One way to get capacity for training."""

    instance: InstanceType
    spot: bool = True
    region: str | None = Field(None, pattern=REGION, description="default: the run's own")
    patience: Duration | None = Field(
        None, description="longest wait for capacity; on spot, default max_wait less max_run"
    )
    speed: float = Field(1.0, gt=0, description="times as fast as the first rung trains")


class Train(Section):
    """The training job: script mode on the capacity ladder, with checkpoints."""

    framework: Literal["xgboost", "pytorch"] = "xgboost"
    version: str = Field(
        VERSIONS["xgboost"][0], pattern=VERSION, description="default 3.0-5; pytorch: 2.13"
    )
    script: str = Field("train.py", pattern=SCRIPT)
    hyperparameters: dict[str, Hyperparameter] = Field({})
    capacity: tuple[Rung, ...] = Field(
        (Rung(instance="ml.m5.xlarge"), Rung(instance="ml.m5.xlarge", spot=False)),
        min_length=1,
        max_length=8,
    )
    capacity_order: Literal["as-written", "cheapest"] = "as-written"
    waiting_hour: float = Field(
        0.0, ge=0, description="USD that an hour's wait for capacity is worth to you"
    )
    volume_gb: int = Field(30, ge=1, le=16384)
    max_run: Duration = timedelta(hours=1)
    max_wait: Duration | None = Field(None, description="spot only; default twice max_run")
    checkpoint_seconds: int = Field(60, ge=1, le=86_400)

    @model_validator(mode="before")
    @classmethod
    def _version_of_framework(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "version" in given:
            return given
        versions = VERSIONS.get(given.get("framework", "xgboost"), VERSIONS["xgboost"])
        return {**given, "version": versions[0]}

    def patience(self, rung: Rung) -> timedelta | None:
        """Longest wait for the rung's capacity; None on demand, where AWS alone decides."""
        if rung.patience is not None or not rung.spot:
            return rung.patience
        return max((self.max_wait or 2 * self.max_run) - self.max_run, timedelta(seconds=1))

    def longest(self, rung: Rung) -> timedelta:
        """Wait and run together: on spot MaxWaitTimeInSeconds, which AWS counts that way."""
        return self.max_run + (self.patience(rung) or timedelta())


@rule("train")
def version_is_one_of_the_frameworks(train: Train) -> Iterator[Finding]:
    """An image of another version holds other packages than the containers' code needs."""
    known = VERSIONS[train.framework]
    if train.version not in known:
        problem = f"Frugal has no image of {train.framework} in this version"
        yield Finding("train.version", problem, train.version, ", ".join(known))


@rule("train")
def max_wait_is_for_spot(train: Train) -> Iterator[Finding]:
    """CreateTrainingJob refuses MaxWaitTimeInSeconds on demand, and below MaxRuntimeInSeconds."""
    if train.max_wait is None:
        return
    if not any(rung.spot for rung in train.capacity):
        yield Finding("train.max_wait", "AWS takes it with spot capacity only", train.max_wait)
    if train.max_wait < train.max_run:
        yield Finding(
            "train.max_wait",
            "AWS refuses a max_wait below max_run",
            f"{train.max_wait} < {train.max_run}",
            f"at least {train.max_run}, or leave it out",
        )


@rule("train")
def runs_no_longer_than_aws_allows(train: Train) -> Iterator[Finding]:
    """A training job runs 28 days at most."""
    if train.max_run > MAX_RUN:
        yield Finding("train.max_run", "longer than AWS lets a job run", train.max_run, "up to 28d")


@rule("train")
def patience_is_one_that_aws_has(train: Train) -> Iterator[Finding]:
    """On demand AWS bounds the wait for accelerated instances only, and not below half an hour."""
    for index, rung in enumerate(train.capacity):
        if rung.spot or rung.patience is None:
            continue
        key = f"train.capacity.{index}.patience"
        if not rung.instance.startswith(ACCELERATED):
            yield Finding(
                key,
                "AWS bounds the wait for on-demand capacity of accelerated instances only",
                f"{rung.patience} on {rung.instance}",
                f"leave it out; {', '.join(f'{family}*' for family in ACCELERATED)} take it",
            )
        elif not PENDING[0] <= rung.patience <= PENDING[1]:
            yield Finding(
                key, "out of AWS's bounds for on-demand capacity", rung.patience, "30m to 28d"
            )


@rule("train")
def regions_exist(train: Train) -> Iterator[Finding]:
    """A rung in another region is reached when there is no capacity: too late to learn that there is none such."""
    known = REGIONS[train.framework]
    for index, rung in enumerate(train.capacity):
        if rung.region is not None and rung.region not in known:
            close = " or ".join(get_close_matches(rung.region, known))
            yield Finding(
                f"train.capacity.{index}.region",
                f"AWS has no image of {train.framework} in a region of this name",
                rung.region,
                close or ", ".join(known),
            )


@rule("train")
def rungs_differ(train: Train) -> Iterator[Finding]:
    """Trying the same capacity twice only waits twice."""
    seen: dict[tuple[str, bool, str | None], int] = {}
    for index, rung in enumerate(train.capacity):
        first = seen.setdefault((rung.instance, rung.spot, rung.region), index)
        if first != index:
            yield Finding(
                f"train.capacity.{index}",
                f"the same capacity as rung {first + 1}",
                f"{rung.instance} {'spot' if rung.spot else 'on-demand'}",
                "another instance, spot or region; a longer patience instead of a second try",
            )


@rule("train")
def reserved_hyperparameters(train: Train) -> Iterator[Finding]:
    """Names that script mode keeps for itself."""
    for name in train.hyperparameters:
        if name.startswith("sagemaker_"):
            yield Finding(f"train.hyperparameters.{name}", "names in sagemaker_ are SageMaker's")


@warning("train")
def spot_after_on_demand(train: Train) -> Iterator[Finding]:
    """On-demand capacity practically always comes, so a spot rung below it is rarely reached."""
    if train.capacity_order == "cheapest":
        return
    kinds = [rung.spot for rung in train.capacity]
    if any(later and not earlier for earlier, later in pairwise(kinds)):
        yield Finding(
            "train.capacity",
            "a spot rung after an on-demand one is rarely reached, and never the cheaper way",
            " then ".join("spot" if spot else "on-demand" for spot in kinds),
            "spot rungs first, or capacity_order: cheapest",
        )


@warning("train")
def no_on_demand_rung(train: Train) -> Iterator[Finding]:
    """Without one the run fails when spot has no capacity, and no rung can be found too dear."""
    if all(rung.spot for rung in train.capacity):
        yield Finding(
            "train.capacity",
            "no on-demand rung: the run fails when spot has no capacity",
            "spot only",
            "end with {instance: ..., spot: false}, or accept it",
        )
