"""S3 on disk."""

from __future__ import annotations

from pathlib import Path

import moto.s3.models
import pytest

from local_aws import ACCOUNT
from local_aws.backing.objects import Files, ObjectStore


def reopen(tmp_path: Path) -> ObjectStore:
    """What another process would find."""
    moto.s3.models.s3_backends[ACCOUNT]["aws"].reset()
    return ObjectStore(tmp_path / "state")


def files() -> int:
    return sum(path.is_file() for path in Files.root.rglob("*"))


def test_objects_are_there_again(objects: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"from a file")
    objects.put_bytes("bkt", "bytes", b"x" * 1000)
    objects.put_file("bkt", "deep/file", tmp_path / "f")
    again = reopen(tmp_path)
    assert [(s.key, s.size) for s in again.list("bkt")] == [("bytes", 1000), ("deep/file", 11)]
    found = again.head("bkt", "deep/file")
    assert found is not None
    assert found.path.read_bytes() == b"from a file"
    assert [s.key for s in again.list("bkt", "deep/")] == ["deep/file"]


def test_an_overwrite_leaves_one_file_and_readers_of_the_old_one_go_on(
    objects: ObjectStore,
) -> None:
    objects.put_bytes("bkt", "k", b"old")
    old = objects.head("bkt", "k")
    assert old is not None
    with old.path.open("rb") as reader:
        objects.put_bytes("bkt", "k", b"new")
        assert reader.read() == b"old"
    assert files() == 1


def test_files_without_an_object_are_swept(objects: ObjectStore, tmp_path: Path) -> None:
    objects.put_bytes("bkt", "k", b"kept")
    Files.new().write_bytes(b"of an upload that was never answered")
    assert files() == 2
    again = reopen(tmp_path)
    assert files() == 1
    found = again.head("bkt", "k")
    assert found is not None
    assert found.path.read_bytes() == b"kept"


def test_buckets_that_are_missing(objects: ObjectStore, tmp_path: Path) -> None:
    assert objects.head("no", "k") is None
    assert not objects.exists("no")
    with pytest.raises(KeyError):
        objects.list("no")
    with pytest.raises(KeyError):
        objects.put_bytes("no", "k", b"")
