"""The `right_size` section of a model.yaml: which instance types its DAG of that name compares."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from frugal.spec.durations import Duration
from frugal.spec.section import InstanceType, Section


class RightSize(Section):
    """Each type of `serving` gets a load test of the champion, each of `training` a short training."""

    serving: tuple[InstanceType, ...] = Field((), max_length=6)
    training: tuple[InstanceType, ...] = Field((), max_length=6)
    seconds: int = Field(20, ge=5, le=600, description="of each rate that a load test tries")
    rounds: int = Field(100, ge=1, description="boosting rounds of a training")
    max_run: Duration = Field(timedelta(minutes=30), description="of a training")
