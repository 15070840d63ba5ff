"""A prepared dataset is reused only when all of it is there."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from frugal.aws.run import Inputs, Run
from frugal.spec import parse_spec
from frugal.stages import preprocess
from tests.contract.jobs.conftest import BUCKET, Account
from tests.specs import shortest

PART = "train/part-00000.parquet"
MANIFEST = {"files": [{"path": PART, "bytes": 10}], "seconds": 3}


@pytest.mark.parametrize(
    ("manifest", "stored", "params", "reused"),
    [
        (MANIFEST, {PART: 10}, {}, True),
        (MANIFEST, {PART: 10, "quarantine/quarantine.csv": 5}, {}, True),
        (None, {PART: 10}, {}, False),
        (MANIFEST, {}, {}, False),
        (MANIFEST, {PART: 9}, {}, False),
        (MANIFEST, {PART: 10}, {"force_preprocess": True}, False),
    ],
)
def test_reuse(
    account: Account,
    manifest: dict[str, Any] | None,
    stored: dict[str, int],
    params: dict[str, Any],
    reused: bool,
) -> None:
    run = Run.from_json(
        {**account.context("preprocess")["ti"].xcoms["prepare"], "fingerprint": uuid.uuid4().hex}
    )
    prefix = f"churn/datasets/{run.fingerprint}"
    for path, size in stored.items():
        account.s3.put_object(Bucket=BUCKET, Key=f"{prefix}/{path}", Body=b"x" * size)
    if manifest:
        body = json.dumps(manifest).encode()
        account.s3.put_object(Bucket=BUCKET, Key=f"{prefix}/manifest.json", Body=body)
    found = preprocess.reuse(parse_spec(shortest()), Inputs(run, {}, params))
    assert (found is not None) is reused
