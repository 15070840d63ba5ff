"""Between S3 and a job's directories."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from local_aws.backing.objects import ObjectStore, StoredObject
from local_aws.toolkit._archive import extract


class DownloadError(Exception):
    """Input data that is not there, in AWS's words."""


class UploadError(Exception):
    """A place in S3 that cannot be written, in AWS's words."""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` (or `https://s3`) URI."""
    _, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    return bucket, key


def find(objects: ObjectStore, uri: str, region: str, role: str) -> list[StoredObject]:
    """The objects under an S3 prefix. Raises `DownloadError` when there are none."""
    bucket, prefix = split_uri(uri)
    found = objects.list(bucket, prefix) if objects.exists(bucket) else []
    if not found:
        raise DownloadError(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure '
            f"that the bucket exists in the selected region ({region}), that objects exist under "
            f'that S3 prefix, and that the role "{role}" has "s3:ListBucket" permissions on bucket '
            f'"{bucket}".'
        )
    return found


def download_prefix(objects: ObjectStore, uri: str, target: Path, region: str, role: str) -> None:
    """Copy what is under a prefix into `target`, named by the rest of the key."""
    _, prefix = split_uri(uri)
    for stored in find(objects, uri, region, role):
        if not stored.key.endswith("/"):
            copy_in(stored, target / relative_key(prefix, stored.key), target)


def relative_key(prefix: str, key: str) -> str:
    """What a key under a prefix is called below it.

    AWS cuts keys at the prefix's last `/`, so that `s3://b/data/part` keeps `part-1` whole.
    """
    if prefix and not prefix.endswith("/") and key.startswith(prefix + "/"):
        return key[len(prefix) + 1 :]
    return key[prefix.rfind("/") + 1 :]


def copy_in(stored: StoredObject, path: Path, root: Path) -> None:
    """Copy an object to a path that has to be below `root`."""
    if not path.resolve().is_relative_to(root.resolve()):
        raise DownloadError(f"The key {stored.key!r} leads out of the directory it goes to")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(stored.path, path)


def download_manifest(objects: ObjectStore, uri: str, target: Path, region: str, role: str) -> None:
    """Copy the objects that a ManifestFile lists."""
    for name, found in manifest_objects(objects, uri):
        copy_in(found, target / name, target)


def manifest_objects(objects: ObjectStore, uri: str) -> Iterator[tuple[str, StoredObject]]:
    """The objects that a ManifestFile lists, `[{"prefix": "s3://..."}, "a", "b"]`, by the names it
    has for them. Raises `DownloadError`."""
    bucket, key = split_uri(uri)
    manifest = objects.head(bucket, key)
    if manifest is None:
        raise DownloadError(f"The manifest {uri} does not exist")
    entries = json.loads(manifest.path.read_bytes())
    prefix = entries[0]["prefix"]
    for entry in entries[1:]:
        found = objects.head(*split_uri(prefix + entry))
        if found is None:
            raise DownloadError(f"{prefix + entry}, listed in {uri}, does not exist")
        yield entry, found


_BY_TYPE = {"S3Prefix": download_prefix, "ManifestFile": download_manifest}


def download(
    objects: ObjectStore, uri: str, kind: str, target: Path, region: str, role: str
) -> None:
    """Copy into `target` by S3DataType: `S3Prefix` or `ManifestFile`. Raises `DownloadError`."""
    if kind not in _BY_TYPE:
        raise DownloadError(f"The local AWS does not read {kind} inputs")
    target.mkdir(parents=True, exist_ok=True)
    _BY_TYPE[kind](objects, uri, target, region, role)


def upload(objects: ObjectStore, source: Path, uri: str) -> None:
    """Store a file at `uri`. Raises `UploadError` when there is no such bucket."""
    bucket, key = split_uri(uri)
    if not objects.exists(bucket):
        raise UploadError(
            f"Data upload failed: NoSuchBucket: The bucket {bucket} of {uri} does not exist"
        )
    objects.put_file(bucket, key, source)


def upload_archive(objects: ObjectStore, directory: Path, uri: str, work: Path) -> None:
    """Store a directory's content as one `.tar.gz` at `uri`; the same content, the same bytes."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / "upload.tar.gz"
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for child in sorted(directory.iterdir()):
            archive.add(child, child.name)
    upload(objects, path, uri)
    path.unlink()


def upload_directory(objects: ObjectStore, directory: Path, uri: str) -> None:
    """Store every file below a directory under a prefix."""
    for path in sorted(p for p in directory.rglob("*") if p.is_file()):
        upload(objects, path, f"{uri.rstrip('/')}/{path.relative_to(directory).as_posix()}")


def unpack(archive: Path, target: Path) -> None:
    """Unpack a model archive without letting it write elsewhere. Raises `DownloadError`."""
    try:
        extract(archive, target)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DownloadError(f"the archive cannot be unpacked: {error}") from error


Signature = tuple[int, int, int]

# What half-written files are called: a checkpoint is written, then renamed.
PARTIAL_SUFFIXES = (".tmp", ".part", ".partial", "~")

# Seconds that a file has to stay unchanged where the system does not tell who writes it.
SETTLE = 1.0


@dataclass
class Mirror:
    """Keeps an S3 prefix like a directory while a job writes to it.

    Only complete files are uploaded: never one with a temporary name, nor one that is being
    written. Files that a job deletes stay in S3.
    """

    objects: ObjectStore
    directory: Path
    uri: str
    _sent: dict[str, Signature] = field(default_factory=dict)

    def mark_current(self) -> None:
        """Take what is there now as already in S3."""
        self._sent = {name: _signature(stat) for name, stat in self._files()}

    def sync(self, busy: frozenset[tuple[int, int]] | None) -> None:
        """Upload what changed, except files whose (device, inode) is in `busy`; with None, those
        that changed within `SETTLE` seconds."""
        for name, stat in self._files():
            signature = _signature(stat)
            written = (
                time.time() - stat.st_mtime < SETTLE
                if busy is None
                else (stat.st_dev, stat.st_ino) in busy
            )
            if written or self._sent.get(name) == signature:
                continue
            with suppress(FileNotFoundError):
                upload(self.objects, self.directory / name, f"{self.uri.rstrip('/')}/{name}")
                self._sent[name] = signature

    def _files(self) -> list[tuple[str, os.stat_result]]:
        found: list[tuple[str, os.stat_result]] = []
        for path in sorted(self.directory.rglob("*")):
            if path.name.startswith(".") or path.name.endswith(PARTIAL_SUFFIXES):
                continue
            with suppress(FileNotFoundError):
                if path.is_file():
                    found.append((path.relative_to(self.directory).as_posix(), path.stat()))
        return found


def _signature(stat: os.stat_result) -> Signature:
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
