"""What the tests of several kinds share: small programs in archives, and a task of one request."""

from __future__ import annotations

import io
import tarfile
from typing import Any

from frugal.jobs.operator import JobOperator
from tests.contract.jobs.conftest import BUCKET, Account

INSTANCE = {"InstanceType": "ml.m5.large", "InstanceCount": 1}


def archive(**files: str) -> bytes:
    """A tar.gz of modules."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{name}.py")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def put(account: Account, key: str, body: bytes) -> str:
    """Put an object in the bucket of these tests; its URI."""
    account.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return f"s3://{BUCKET}/{key}"


def operator(task: str, kind: str, request: dict[str, Any], name: str = "churn") -> JobOperator:
    """A task of one job whose request does not depend on anything."""
    return JobOperator(
        task_id=task,
        kind=kind,
        base_name=name,
        requests=[lambda inputs: request],
        upstream=["prepare"],
    )
