"""S3 on disk: moto's object model with every value in a file and every version in SQLite.

moto keeps objects in memory. Here an object's bytes are a file from the moment they arrive, and its
metadata is committed before the request is answered, so that killing the process right after a
PUT's 200 loses nothing. Multipart uploads that were not completed are forgotten by a restart.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import moto.s3.models as s3
from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML
from moto.s3.utils import _VersionedKeyStore
from moto.settings import S3_UPLOAD_PART_MIN_SIZE

from local_aws import ACCOUNT, DEFAULT_REGION
from local_aws.backing import conditional_deletes, hidden_messages, lifecycle, times

CHUNK = 1 << 20

_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, body BLOB NOT NULL, tags BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
  bucket TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, tags BLOB NOT NULL,
  files TEXT NOT NULL, PRIMARY KEY (bucket, key)
);
"""


@dataclass(frozen=True)
class StoredObject:
    """One current object: its key, size in bytes, ETag without quotes, and the file that holds it.

    Files are never changed once written: an overwrite makes another.
    """

    key: str
    size: int
    etag: str
    modified: datetime
    path: Path


# Whether an object's value is asked for only to become another object's.
_copying: ContextVar[bool] = ContextVar("copying", default=False)


class Files:
    """Where object values live, two levels deep so that directories stay small."""

    root: Path

    @classmethod
    def new(cls) -> Path:
        name = uuid.uuid4().hex
        directory = cls.root / name[:2]
        directory.mkdir(parents=True, exist_ok=True)
        return directory / name

    @classmethod
    def path(cls, name: str) -> Path:
        return cls.root / name[:2] / name


class FileValue:
    """Bytes that are already in a file of ours, handed to moto in place of `bytes`."""

    def __init__(self, path: Path, etag: str) -> None:
        self.path = path
        self.etag = etag

    def __len__(self) -> int:
        return self.path.stat().st_size


class DurableKey(s3.FakeKey):
    """moto's object (or part of an upload), its value in a file."""

    _file: str | None = None

    @property
    def path(self) -> Path:
        return Files.path(self._file or "")

    @property
    def value(self) -> Any:
        if _copying.get():
            target = Files.new()
            os.link(self.path, target)
            return FileValue(target, self.etag.strip('"'))
        return self.path.read_bytes()

    @value.setter
    def value(self, new_value: bytes | str | FileValue) -> None:
        if isinstance(new_value, FileValue):
            self._file, self.contentsize = new_value.path.name, len(new_value)
            self._etag = self._etag or new_value.etag
            return
        content = new_value.encode() if isinstance(new_value, str) else new_value
        path = Files.new()
        path.write_bytes(content)
        self._file, self.contentsize = path.name, len(content)
        self._etag = self._etag or hashlib.md5(content, usedforsecurity=False).hexdigest()

    def __getstate__(self) -> dict[str, Any]:
        unpicklable = ("_value_buffer", "lock", "multipart")
        return {k: v for k, v in self.__dict__.items() if k not in unpicklable}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._value_buffer = io.BytesIO()  # type: ignore[assignment]
        self.lock = threading.Lock()
        self.multipart = None

    def dispose(self, garbage: bool = False) -> None:
        self.disposed = True


class DurableMultipart(s3.FakeMultipart):
    """moto's multipart upload, joined file to file so that memory stays flat."""

    parts: dict[int, DurableKey]  # type: ignore[assignment]

    def __init__(self, *arguments: Any, **members: Any) -> None:
        super().__init__(*arguments, **members)
        times.begin(self)

    def complete(self, body: Iterator[tuple[int, str]]) -> Any:
        digests, count, last = b"", 0, None
        checksum = s3.MultipartChecksumBuilder(
            self.metadata.get("x-amz-checksum-algorithm"),
            self.metadata.get("x-amz-checksum-type"),
        )
        target = Files.new()
        with target.open("wb") as joined:
            for number, etag in body:
                part = self.parts.get(number)
                if part is None or part.etag.strip('"') != etag.strip('"'):
                    raise InvalidPart()
                if last is not None and last.contentsize < S3_UPLOAD_PART_MIN_SIZE:
                    raise EntityTooSmall()
                digests += bytes.fromhex(part.etag.strip('"'))
                if checksum.checksum_type == "COMPOSITE":
                    checksum.addPart(part.value)
                with part.path.open("rb") as source:
                    shutil.copyfileobj(source, joined, CHUNK)
                last, count = part, count + 1
        if count == 0:
            raise MalformedXML
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{count}"
        return FileValue(target, etag), etag, _composite(checksum)

    def dispose(self) -> None:
        for part in self.parts.values():
            part.path.unlink(missing_ok=True)


def _composite(checksum: s3.MultipartChecksumBuilder) -> tuple[str, str, int] | None:
    """(type, value, parts) of a checksum of the parts' checksums, with the number of parts in the
    value, as AWS gives it: by that clients know that it is not one of the object's bytes."""
    built = checksum.build() if checksum.checksum_type == "COMPOSITE" else None
    if built is None:
        return None
    kind, value, parts = built
    return kind, f"{value}-{parts}", parts


def _install() -> None:
    """Make moto build our classes wherever it builds its own."""
    s3.FakeKey = DurableKey  # type: ignore[misc]
    s3.FakeMultipart = DurableMultipart  # type: ignore[misc]
    s3.S3Backend.copy_object = _copy_object  # type: ignore[method-assign]
    for part in (times, hidden_messages, lifecycle, conditional_deletes):
        part.install()


_moto_copy_object = s3.S3Backend.copy_object


def _copy_object(*arguments: Any, **members: Any) -> None:
    """moto's copy, by a link to the file in place of its bytes."""
    token = _copying.set(True)
    try:
        _moto_copy_object(*arguments, **members)
    finally:
        _copying.reset(token)


class ObjectStore:
    """The S3 of this machine, for the supervisor to read and write without HTTP, and the journal
    that makes moto's S3 durable."""

    def __init__(self, state: Path) -> None:
        Files.root = state / "s3" / "objects"
        Files.root.mkdir(parents=True, exist_ok=True)
        _install()
        self._backend = s3.s3_backends[ACCOUNT]["aws"]
        self._lock = threading.RLock()
        self._db = sqlite3.connect(state / "s3" / "index.sqlite", check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._load()

    def _load(self) -> None:
        backend, known = self._backend, set()
        for name, body, tags in self._db.execute("SELECT name, body, tags FROM buckets"):
            bucket = pickle.loads(body)
            bucket.keys, bucket.multiparts = _VersionedKeyStore(), s3.MultipartDict()
            backend.buckets[name] = bucket
            s3.s3_backends.bucket_accounts[name] = (bucket.partition, bucket.account_id)
            self._restore_tags(tags)
        rows = self._db.execute("SELECT bucket, key, body, tags, files FROM objects")
        for bucket_name, key, body, tags, files in rows:
            backend.buckets[bucket_name].keys.setlist(key, pickle.loads(body))
            self._restore_tags(tags)
            known.update(files.split())
        for path in Files.root.glob("*/*"):
            if path.name not in known:
                path.unlink(missing_ok=True)

    def _restore_tags(self, blob: bytes) -> None:
        self._backend.tagger.tags.update(pickle.loads(blob))

    def _tags(self, arns: Iterable[str]) -> bytes:
        tags = self._backend.tagger.tags
        return pickle.dumps({arn: tags[arn] for arn in arns if arn in tags})

    def commit_bucket(self, name: str) -> None:
        """Write a bucket's configuration, or its absence, to disk."""
        with self._lock, self._db:
            bucket = self._backend.buckets.get(name)
            if bucket is None:
                self._db.execute("DELETE FROM buckets WHERE name = ?", (name,))
                self._forget(self._db.execute("SELECT files FROM objects WHERE bucket=?", (name,)))
                self._db.execute("DELETE FROM objects WHERE bucket = ?", (name,))
                return
            plain = object.__new__(type(bucket))
            plain.__dict__.update(bucket.__dict__, keys=None, multiparts=None)
            row = (name, pickle.dumps(plain), self._tags([bucket.arn]))
            self._db.execute("INSERT OR REPLACE INTO buckets VALUES (?, ?, ?)", row)

    def commit_object(self, bucket_name: str, key: str) -> None:
        """Write all versions of one object, or its absence, to disk; then drop dead files."""
        with self._lock:
            bucket = self._backend.buckets.get(bucket_name)
            versions = list(bucket.keys.getlist(key, [])) if bucket else []
            old = self._db.execute(
                "SELECT files FROM objects WHERE bucket = ? AND key = ?", (bucket_name, key)
            ).fetchone()
            files = {v.path.name for v in versions if isinstance(v, DurableKey)}
            with self._db:
                if versions:
                    tags = self._tags(v.arn for v in versions if isinstance(v, DurableKey))
                    row = (bucket_name, key, pickle.dumps(versions), tags, " ".join(files))
                    self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)", row)
                else:
                    where = (bucket_name, key)
                    self._db.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", where)
            for name in set(old[0].split() if old else ()) - files:
                Files.path(name).unlink(missing_ok=True)

    def _forget(self, rows: Iterable[tuple[str]]) -> None:
        for (files,) in list(rows):
            for name in files.split():
                Files.path(name).unlink(missing_ok=True)

    def exists(self, bucket: str) -> bool:
        return bucket in self._backend.buckets

    def create_bucket(self, name: str, region: str = DEFAULT_REGION) -> None:
        self._backend.create_bucket(name, region)
        self.commit_bucket(name)

    def list(self, bucket: str, prefix: str = "") -> list[StoredObject]:
        """The current objects under a prefix, by key.

        Raises `KeyError` when there is no such bucket.
        """
        keys = self._backend.buckets[bucket].keys
        names = sorted(name for name in list(dict.keys(keys)) if name.startswith(prefix))
        found = ((name, keys.get(name)) for name in names)
        return [_stored(name, key) for name, key in found if isinstance(key, DurableKey)]

    def head(self, bucket: str, key: str) -> StoredObject | None:
        """The current object, or None when bucket or object are missing."""
        holder = self._backend.buckets.get(bucket)
        found = holder.keys.get(key) if holder else None
        return _stored(key, found) if isinstance(found, DurableKey) else None

    def version(self, bucket: str, key: str, version_id: str | None) -> StoredObject | None:
        if version_id is None:
            return self.head(bucket, key)
        holder = self._backend.buckets.get(bucket)
        for version in holder.keys.getlist(key, []) if holder else []:
            if isinstance(version, DurableKey) and version.version_id == version_id:
                return _stored(key, version)
        return None

    def put_file(self, bucket: str, key: str, source: Path) -> None:
        """Copy a file into the store as an object. Raises `KeyError` for a missing bucket."""
        if bucket not in self._backend.buckets:
            raise KeyError(bucket)
        target, digest = Files.new(), hashlib.md5(usedforsecurity=False)
        with source.open("rb") as reader, target.open("wb") as writer:
            while chunk := reader.read(CHUNK):
                digest.update(chunk)
                writer.write(chunk)
        value: Any = FileValue(target, digest.hexdigest())
        self._backend.put_object(bucket, key, value)
        self.commit_object(bucket, key)

    def put_bytes(self, bucket: str, key: str, content: bytes) -> None:
        """Store bytes as an object. Raises `KeyError` for a missing bucket."""
        if bucket not in self._backend.buckets:
            raise KeyError(bucket)
        self._backend.put_object(bucket, key, content)
        self.commit_object(bucket, key)


def _stored(name: str, key: DurableKey) -> StoredObject:
    return StoredObject(name, key.size, key.etag.strip('"'), key.last_modified, key.path)
