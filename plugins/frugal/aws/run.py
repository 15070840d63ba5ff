"""One run of a model's pipeline: where it happens and where everything it makes lies in S3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from frugal.aws.tags import MANAGED_BY, RUN, as_list


@dataclass(frozen=True)
class Champion:
    """The approved model package that a challenger must beat."""

    arn: str
    model_data: str
    source: str


@dataclass(frozen=True)
class Run:
    """What `prepare` finds out once, and every later stage reads. JSON in and out.

    `code` is the S3 prefix of the published code, `source` the same tree as a tar.gz;
    `fingerprint` names the prepared dataset.
    """

    id: str
    model: str
    region: str
    account: str
    bucket: str
    role_prefix: str
    code: str
    source: str
    code_hash: str
    fingerprint: str
    tags: Mapping[str, str]
    champion: Champion | None = None
    raw: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Run:
        """The run that `as_json` wrote."""
        champion = document.get("champion")
        return cls(**{**document, "champion": Champion(**champion) if champion else None})

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, for XCom."""
        return asdict(self)

    def s3(self, *parts: str) -> str:
        """URI below the model's own prefix: s3://<bucket>/<model>/<parts>."""
        return "/".join([f"s3://{self.bucket}", self.model, *parts])

    def own(self, *parts: str) -> str:
        """URI below this run's prefix: s3://<bucket>/<model>/runs/<run>/<parts>."""
        return self.s3("runs", self.id, *parts)

    def dataset(self, *parts: str) -> str:
        """URI below the prepared dataset, shared by every run with the same fingerprint."""
        return self.s3("datasets", self.fingerprint, *parts)

    def role(self, stage: str) -> str:
        """ARN of the execution role of a stage: preprocess, train or serve."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role_prefix}{stage}"

    def stage_tags(self, stage: str) -> list[dict[str, str]]:
        """Tags of everything that the stage creates, in AWS's list form."""
        return as_list({**self.tags, **MANAGED_BY, RUN: self.id, "frugal:stage": stage})

    @property
    def partition(self) -> str:
        """aws, aws-cn or aws-us-gov, by the region's name."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"


@dataclass(frozen=True)
class Inputs:
    """What a stage's request is built from: the run, upstream results and the DAG run's params."""

    run: Run
    results: Mapping[str, Mapping[str, Any] | None]
    params: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, task_id: str) -> Mapping[str, Any]:
        """Result of an upstream task. Raises KeyError naming the task when it left none."""
        result = self.results.get(task_id)
        if result is None:
            raise KeyError(f"task {task_id!r} left no result; upstream: {sorted(self.results)}")
        return result
