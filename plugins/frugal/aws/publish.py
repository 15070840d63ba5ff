"""The code that jobs run, published to S3 under the hash of its content."""

from __future__ import annotations

import ast
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frugal.aws.clients import client, list_objects, split_uri
from frugal.spec import ModelSpec

IGNORED = ("__pycache__/*", "model.yaml", "*.in")


def collect(spec: ModelSpec, include: Path) -> dict[str, bytes]:
    """Files by path: the container package, the model's own files and spec.json."""
    files: dict[str, bytes] = {
        "spec.json": json.dumps(spec.document(), indent=1).encode()  # columns keep their order
    }
    folders = {"container/": include / "container", "": include / "models" / spec.name}
    for prefix, folder in folders.items():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not any(path.match(pattern) for pattern in IGNORED):
                files[prefix + path.relative_to(folder).as_posix()] = path.read_bytes()
    return files


def content_hash(files: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents, 16 hexadecimal digits."""
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]


def archive(files: Mapping[str, bytes]) -> bytes:
    """A tar.gz of `files` with the same bytes for the same content."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def publish(files: Mapping[str, bytes], prefix: str) -> tuple[str, str]:
    """Upload `files` to `<prefix>/<hash>/` and as `<prefix>/<hash>.tar.gz`, unless they are there.

    The archive goes last, so that its presence says that everything is there.
    Returns the URIs of the folder and of the archive.
    """
    folder = f"{prefix}/{content_hash(files)}"
    source = f"{folder}.tar.gz"
    bucket, key = split_uri(source)
    if key not in list_objects(source):
        for name, content in files.items():
            path = f"{split_uri(folder)[1]}/{name}"
            client("s3").put_object(Bucket=bucket, Key=path, Body=content)
        client("s3").put_object(Bucket=bucket, Key=key, Body=archive(files))
    return folder, source


def fingerprint(
    spec: ModelSpec, raw: Mapping[str, Mapping[str, Any]], files: Mapping[str, bytes]
) -> str:
    """Name of the prepared dataset: raw objects (key, size, ETag), config and the code that reads it."""
    document = spec.document()
    settings = {key: document["preprocess"][key] for key in ("row_group_rows", "compression_level")}
    code = {name: files[name] for name in imported("container/preprocess/__main__.py", files)}
    if spec.preprocess.script:
        code[spec.preprocess.script] = files[spec.preprocess.script]
    objects = [[key, item["Size"], item["ETag"]] for key, item in sorted(raw.items())]
    whole = to_json([objects, document["data"], settings, content_hash(code)])
    return hashlib.sha256(whole).hexdigest()[:16]


def imported(name: str, files: Mapping[str, bytes]) -> set[str]:
    """`name` and every module among `files` that it imports, directly or not."""
    found, todo = set(), [name]
    while todo:
        name = todo.pop()
        if name not in files or name in found:
            continue
        found.add(name)
        for node in ast.walk(ast.parse(files[name])):
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            else:
                continue
            todo += [module.replace(".", "/") + ".py" for module in modules]
    return found


def to_json(document: Any) -> bytes:
    """Canonical JSON: sorted keys, one form."""
    return json.dumps(document, sort_keys=True, indent=1).encode()
