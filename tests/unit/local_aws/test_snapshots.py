"""moto's services on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import moto.sqs.models
import pytest

from local_aws import ACCOUNT
from local_aws.backing.snapshots import Snapshots

REGION = "us-east-1"


@pytest.fixture
def queues() -> Iterator[moto.sqs.models.SQSBackend]:
    """moto's state is global and starts empty."""
    backend = moto.sqs.models.sqs_backends[ACCOUNT][REGION]
    backend.reset()
    yield backend
    moto.sqs.models.sqs_backends[ACCOUNT][REGION].reset()


def reopen(directory: Path) -> list[str]:
    """The names of the queues that another process would find."""
    moto.sqs.models.sqs_backends[ACCOUNT][REGION].reset()
    snapshots = Snapshots(directory)
    snapshots.load()
    snapshots.close()
    return list(moto.sqs.models.sqs_backends[ACCOUNT][REGION].queues)


def test_what_is_saved_is_there_again(queues: moto.sqs.models.SQSBackend, tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    snapshots.load()
    for name in ("a", "b"):
        queues.create_queue(name, {})
        snapshots.save("sqs")
    assert reopen(tmp_path) == ["a", "b"]
    snapshots.close()


def test_a_service_that_cannot_be_written_keeps_no_other_from_it(
    queues: moto.sqs.models.SQSBackend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    snapshots = Snapshots(tmp_path)
    snapshots.load()
    (tmp_path / "sns.partial").mkdir()
    snapshots.save("sns")
    assert "The state of sns could not be saved" in caplog.text
    queues.create_queue("kept", {})
    snapshots.save("sqs")
    assert reopen(tmp_path) == ["kept"]
    snapshots.close()
