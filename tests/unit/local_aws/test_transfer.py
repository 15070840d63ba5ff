"""Between S3 and a job's directories."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from local_aws.backing.objects import ObjectStore
from local_aws.execution import transfer
from local_aws.execution.transfer import DownloadError, Mirror, download

ROLE = "arn:aws:iam::123456789012:role/r"


def fetch(objects: ObjectStore, uri: str, target: Path, kind: str = "S3Prefix") -> list[str]:
    download(objects, uri, kind, target, "us-east-1", ROLE)
    return sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("uri", "files"),
    [
        ("s3://bkt/data/", ["a", "deep/b"]),
        ("s3://bkt/data", ["a", "deep/b"]),
        ("s3://bkt/data/a", ["a"]),
        ("s3://bkt/data/de", ["deep/b"]),
        ("s3://bkt", ["data/a", "data/deep/b"]),
    ],
)
def test_keys_lose_their_prefix(
    objects: ObjectStore, tmp_path: Path, uri: str, files: list[str]
) -> None:
    for key in ("data/a", "data/deep/b", "data/folder/"):
        objects.put_bytes("bkt", key, b"x")
    assert fetch(objects, uri, tmp_path / "in") == files


def test_nothing_there_is_said_in_aws_s_words(objects: ObjectStore, tmp_path: Path) -> None:
    for uri in ("s3://bkt/none/", "s3://no-bucket/x"):
        with pytest.raises(DownloadError, match='No S3 objects found under S3 URL "s3://'):
            fetch(objects, uri, tmp_path)


def test_keys_cannot_leave_their_directory(objects: ObjectStore, tmp_path: Path) -> None:
    objects.put_bytes("bkt", "data/../../outside", b"x")
    with pytest.raises(DownloadError, match="leads out"):
        fetch(objects, "s3://bkt/data/", tmp_path / "in")
    manifest = [{"prefix": "s3://bkt/"}, "data/../../outside"]
    objects.put_bytes("bkt", "m", json.dumps(manifest).encode())
    with pytest.raises(DownloadError, match="leads out"):
        fetch(objects, "s3://bkt/m", tmp_path / "in2", "ManifestFile")


def test_what_a_job_changes_does_not_change_the_object(
    objects: ObjectStore, tmp_path: Path
) -> None:
    objects.put_bytes("bkt", "data/a", b"original")
    fetch(objects, "s3://bkt/data/", tmp_path / "in")
    (tmp_path / "in" / "a").write_text("changed!")
    found = objects.head("bkt", "data/a")
    assert found is not None
    assert found.path.read_bytes() == b"original"


def test_archives_of_the_same_content_are_the_same(objects: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "model"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "f").write_text("content")
    transfer.upload_archive(objects, source, "s3://bkt/1.tar.gz", tmp_path / "w")
    time.sleep(0.01)
    transfer.upload_archive(objects, source, "s3://bkt/2.tar.gz", tmp_path / "w")
    first, second = objects.head("bkt", "1.tar.gz"), objects.head("bkt", "2.tar.gz")
    assert first is not None
    assert second is not None
    assert first.etag == second.etag
    transfer.unpack(first.path, tmp_path / "out")
    assert (tmp_path / "out" / "deep" / "f").read_text() == "content"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """What a job writes to."""
    path = tmp_path / "ck"
    path.mkdir()
    return path


class TestMirror:
    """What a job writes reaches S3 once it is complete, and once."""

    def keys(self, objects: ObjectStore) -> list[str]:
        return [stored.key for stored in objects.list("bkt", "ck/")]

    def test_files_that_are_written_wait(self, objects: ObjectStore, directory: Path) -> None:
        for name in ("done", "busy", "half.tmp", ".hidden"):
            (directory / name).write_text("x")
        stat = (directory / "busy").stat()
        mirror = Mirror(objects, directory, "s3://bkt/ck")
        mirror.sync(frozenset({(stat.st_dev, stat.st_ino)}))
        assert self.keys(objects) == ["ck/done"]
        mirror.sync(frozenset())
        assert self.keys(objects) == ["ck/busy", "ck/done"]

    def test_unchanged_files_are_sent_once(self, objects: ObjectStore, directory: Path) -> None:
        (directory / "f").write_text("1")
        mirror = Mirror(objects, directory, "s3://bkt/ck/")
        mirror.sync(frozenset())
        first = objects.head("bkt", "ck/f")
        mirror.sync(frozenset())
        assert objects.head("bkt", "ck/f") == first
        partial = directory / "f.tmp"
        partial.write_text("2")
        partial.rename(directory / "f")
        mirror.sync(frozenset())
        second = objects.head("bkt", "ck/f")
        assert second is not None
        assert second.path.read_text() == "2"

    def test_what_was_restored_is_not_sent_back(
        self, objects: ObjectStore, directory: Path
    ) -> None:
        (directory / "restored").write_text("x")
        mirror = Mirror(objects, directory, "s3://bkt/ck")
        mirror.mark_current()
        mirror.sync(frozenset())
        assert self.keys(objects) == []

    def test_fresh_files_wait_where_nobody_tells(
        self, objects: ObjectStore, directory: Path
    ) -> None:
        for name, seconds in (("fresh", 3600), ("settled", -3600)):
            (directory / name).write_text("x")
            changed = time.time() + seconds
            os.utime(directory / name, (changed, changed))
        mirror = Mirror(objects, directory, "s3://bkt/ck")
        mirror.sync(None)
        assert self.keys(objects) == ["ck/settled"]
