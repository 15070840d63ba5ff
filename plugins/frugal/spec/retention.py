"""The `retention` section: how long what a model leaves in S3 is kept, and where it lies meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from frugal.spec.durations import Duration
from frugal.spec.section import Section

DAY = timedelta(days=1)
#: S3's own names of storage classes, those from which an object can be read at once.
StorageClass = Literal["INTELLIGENT_TIERING", "STANDARD_IA", "GLACIER_IR"]
#: Folders below the model's prefix that may move to another class; `raw` is data.raw.
Place = Literal["raw", "datasets", "runs", "capture", "monitor", "batch"]


class Transition(Section):
    """A move to another storage class. One that costs more than it saves is not made."""

    storage_class: StorageClass
    after: Duration = Field(timedelta(days=30), description="age of an object, in whole days")
    reads: float = Field(
        0.0, ge=0, le=100, description="share of the bytes that is read in a month"
    )


class Noncurrent(Section):
    """Versions that were overwritten or deleted, in a bucket with versioning: so long they can be brought back."""

    keep: int = Field(
        0, ge=0, le=100, description="newest ones that stay for good, those of deleted objects too"
    )
    after: Duration = Field(timedelta(days=30), description="then the others go")


class Retention(Section):
    """Ages at which things go. What is referenced, under way or champion never does."""

    captured: Duration = Field(timedelta(days=90), description="captured traffic")
    watched: Duration = Field(timedelta(days=400), description="what watching drift found")
    answers: Duration = Field(timedelta(days=30), description="requests and answers: async, batch")
    checkpoints: Duration = Field(timedelta(days=7), description="since they were last written")
    rejected: int = Field(
        5, ge=0, le=1000, description="newest rejected models whose artefacts stay"
    )
    unreferenced: Duration = Field(
        timedelta(days=30), description="datasets, code and artefacts that nothing refers to"
    )
    uploads: Duration = Field(timedelta(days=7), description="incomplete multipart uploads")
    noncurrent: Noncurrent = Noncurrent()
    transitions: dict[Place, Transition] = Field(default_factory=dict)

    def expiry(self, place: Place) -> timedelta | None:
        """Age at which S3 itself removes the objects of a place; None where age alone does not decide."""
        ages: dict[Place, timedelta] = {
            "capture": self.captured,
            "monitor": self.watched,
            "batch": self.answers,
        }
        return ages.get(place)
