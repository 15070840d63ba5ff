"""Parts of the local AWS without the process around them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import moto.s3.models
import pytest

from local_aws import ACCOUNT
from local_aws.backing.objects import ObjectStore


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[ObjectStore]:
    """An object store with a bucket `bkt`; moto's own state is global and starts empty."""
    backend = moto.s3.models.s3_backends[ACCOUNT]["aws"]
    backend.reset()
    store = ObjectStore(tmp_path / "state")
    store.create_bucket("bkt")
    yield store
    backend.reset()


def await_true(condition: Callable[[], Any], seconds: float = 120) -> None:
    """Wait until the condition holds; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s")
        time.sleep(0.005)
