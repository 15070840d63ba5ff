"""Where Frugal runs, from the environment. Everything has a default but the account itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path

BUCKET_IN = "FRUGAL_BUCKET_"
INCLUDE_IN_TREE = Path(__file__).resolve().parents[3] / "include"


@dataclass(frozen=True)
class Settings:
    """Deployment settings.

    bucket       FRUGAL_BUCKET; default `frugal-<account>-<region>`, filled in by `Run`
    buckets      FRUGAL_BUCKET_<REGION>, such as FRUGAL_BUCKET_EU_WEST_1: the bucket of another region
    role_prefix  FRUGAL_ROLE_PREFIX; execution roles are `<prefix>preprocess`, `<prefix>train`, ...
    environment  FRUGAL_ENVIRONMENT, a tag on everything
    conn_id      FRUGAL_AWS_CONN_ID, the Airflow connection
    poll_seconds FRUGAL_POLL_SECONDS between two looks at a running job
    region       AWS_REGION, else AWS_DEFAULT_REGION: whose prices count before there is a connection to ask
    alert_topic  FRUGAL_ALERT_TOPIC, ARN of the SNS topic that hears of drift, decisions and dead letters
    include      FRUGAL_INCLUDE, the folder with models/, container/, prices/ and images.yaml
    """

    bucket: str | None
    buckets: Mapping[str, str]
    role_prefix: str
    environment: str
    conn_id: str
    poll_seconds: float
    region: str
    alert_topic: str | None
    include: Path

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Settings from `environ`. Raises ValueError when FRUGAL_POLL_SECONDS is not positive."""
        given = environ.get("FRUGAL_POLL_SECONDS", "30")
        try:
            poll_seconds = float(given)
        except ValueError:
            poll_seconds = 0.0
        if not 0 < poll_seconds < inf:
            raise ValueError(f"FRUGAL_POLL_SECONDS must be seconds above 0, not {given!r}")
        return cls(
            bucket=environ.get("FRUGAL_BUCKET"),
            buckets={
                name.removeprefix(BUCKET_IN): value
                for name, value in environ.items()
                if name.startswith(BUCKET_IN)
            },
            role_prefix=environ.get("FRUGAL_ROLE_PREFIX", "frugal-"),
            environment=environ.get("FRUGAL_ENVIRONMENT") or "dev",
            conn_id=environ.get("FRUGAL_AWS_CONN_ID", "aws_default"),
            poll_seconds=poll_seconds,
            region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION", "us-east-1"),
            alert_topic=environ.get("FRUGAL_ALERT_TOPIC") or None,
            include=Path(environ.get("FRUGAL_INCLUDE", INCLUDE_IN_TREE)),
        )

    def bucket_in(self, region: str, account: str) -> str:
        """The bucket of another region: the one named for it, or `<bucket>-<region>`."""
        default = f"{self.bucket}-{region}" if self.bucket else f"frugal-{account}-{region}"
        return self.buckets.get(_in_capitals(region), default)

    @staticmethod
    def bucket_variable(region: str) -> str:
        """Name of the variable that names the bucket of a region."""
        return f"{BUCKET_IN}{_in_capitals(region)}"

    @property
    def models(self) -> Path:
        """Folder that holds one folder a model."""
        return self.include / "models"


def _in_capitals(region: str) -> str:
    return region.upper().replace("-", "_")
