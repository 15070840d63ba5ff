"""A run with very many checkpoints: found and deleted a page at a time."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from frugal.cleanup import artifacts
from frugal.cleanup.account import Account
from frugal.cleanup.kinds import KINDS
from frugal.cleanup.references import References
from frugal.cost.prices import price_table
from frugal.spec import parse_spec
from tests.specs import shortest

OLD = datetime(2026, 9, 1, tzinfo=UTC)
OBJECTS, PAGE = 10_000, 1000


class Many:
    """An S3 whose bucket holds 10,000 checkpoints of a run, made up as they are listed."""

    exceptions = SimpleNamespace(ClientError=RuntimeError)
    meta = SimpleNamespace(partition="aws")

    def __init__(self) -> None:
        self.deleted: list[int] = []

    def get_paginator(self, operation: str) -> Many:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        for page in range(OBJECTS // PAGE):
            yield {"Contents": [self._object(page * PAGE + number) for number in range(PAGE)]}

    def _object(self, number: int) -> dict[str, Any]:
        key = f"churn/runs/over/checkpoints/{number:06}"
        return {"Key": key, "Size": 10, "LastModified": OLD, "ETag": f'"{number}"'}

    def head_bucket(self, **asked: Any) -> dict[str, Any]:
        headers = {"date": "Sun, 22 Nov 2026 03:00:00 GMT"}
        return {"ResponseMetadata": {"HTTPHeaders": headers}}

    def get_bucket_tagging(self, **asked: Any) -> dict[str, Any]:
        return {"TagSet": []}

    def get_bucket_versioning(self, **asked: Any) -> dict[str, Any]:
        return {"Status": "Enabled"}

    def delete_objects(self, **asked: Any) -> dict[str, Any]:
        self.deleted.append(len(asked["Delete"]["Objects"]))
        return {}


def test_memory_does_not_follow_the_number_of_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "known_specs", lambda: [parse_spec(shortest())])
    monkeypatch.setattr(artifacts, "collect", lambda account, specs: References())
    s3, kind = Many(), KINDS["s3-checkpoints"]
    account = Account(
        connect=lambda service, region: s3,
        region="us-east-1",
        number="123456789012",
        environment="dev",
        bucket="many",
        prices=price_table(),
        clock=lambda: OLD + timedelta(days=60),
    )
    tracemalloc.start()
    try:
        [found] = [resource for page in kind.list(account) for resource in page]
        act = kind.acts["delete"]
        recipe = act.recipe(account, found)
        assert recipe is not None
        act.do(account, found, recipe)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.facts
    assert found.facts["objects"] == OBJECTS
    assert s3.deleted == [PAGE] * (OBJECTS // PAGE), "as many a call as S3 takes"
    assert peak < 2 * 2**20, "a page takes half a MiB, all of them five"
