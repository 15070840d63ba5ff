"""A run with a bucket at home and one in another region."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from frugal.aws import clients, regions
from frugal.aws.run import Run
from frugal.local import LocalAws
from tests.contract.jobs.conftest import point_clients_at

HOME, AWAY = "us-east-1", "eu-west-1"


@dataclass
class Buckets:
    """The bucket at home, and that of the other region, whose place in the run is `away`."""

    run: Run
    away: Run
    local: LocalAws

    def put(self, place: Run, uri: str, body: str) -> None:
        """Write the object of that key in the bucket of `place`, in a later second than what has the key."""
        if self.get(self.run, uri) or self.get(self.away, uri):
            wait_for_the_next_second()
        key = clients.split_uri(uri)[1]
        clients.client("s3", place.region).put_object(
            Bucket=place.bucket, Key=key, Body=body.encode()
        )

    def get(self, place: Run, uri: str) -> str | None:
        """The text of one object, None when it is missing."""
        s3, key = clients.client("s3", place.region), clients.split_uri(uri)[1]
        try:
            body: bytes = s3.get_object(Bucket=place.bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        return body.decode()


@pytest.fixture
def buckets(
    local_aws: LocalAws, aws_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Buckets:
    """Two buckets of this test alone."""
    home = f"home-{uuid.uuid4().hex[:8]}"
    monkeypatch.setenv("FRUGAL_BUCKET", home)
    monkeypatch.setenv("FRUGAL_POLL_SECONDS", "0.1")
    point_clients_at(local_aws)
    run = Run(
        id="manual-1",
        model="churn",
        region=HOME,
        account="123456789012",
        bucket=home,
        role_prefix="frugal-",
        code=f"s3://{home}/churn/code/abc",
        source=f"s3://{home}/churn/code/abc.tar.gz",
        code_hash="abc",
        fingerprint="f00",
        tags={},
    )
    away = regions.elsewhere(run, AWAY)
    make_bucket(home, HOME)
    make_bucket(away.bucket, AWAY)
    return Buckets(run, away, local_aws)


@contextmanager
def fault(local: LocalAws, kind: str, **keys: Any) -> Iterator[None]:
    """A fault of the local AWS for as long as the block lasts."""
    [added] = local.ask("POST", "/_local/faults", {"fault": kind, **keys})["rules"]
    try:
        yield
    finally:
        local.ask("DELETE", f"/_local/faults/{added['id']}")


def wait_for_the_next_second() -> None:
    """S3 tells versions apart by the second; jobs are never so fast, tests are."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.02)


def make_bucket(name: str, region: str) -> None:
    """A bucket in a region, unless it is there."""
    where: dict[str, Any] = (
        {} if region == HOME else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    s3 = clients.client("s3", region)
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=name, **where)
