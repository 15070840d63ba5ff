"""Whole or partial objects straight from their file: constant memory, no copy through moto.

moto's answer to the same request as a HEAD supplies headers, conditions and errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from local_aws.backing.objects import CHUNK, ObjectStore
from local_aws.http import Request, Response

_SUBRESOURCES = frozenset(
    [
        "acl",
        "attributes",
        "legal-hold",
        "partNumber",
        "retention",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
    ]
)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def stream_object(
    request: Request, objects: ObjectStore, dispatch: Callable[[Request], Response]
) -> Response | None:
    """The response to a GetObject, or None when the request is something else."""
    bucket, _, key = request.path.lstrip("/").partition("/")
    query = request.query
    if request.method != "GET" or not key or _SUBRESOURCES & query.keys():
        return None
    stored = objects.version(bucket, key, query.get("versionId", [None])[0])
    if stored is None:
        return None
    environ = dict(request.environ, REQUEST_METHOD="HEAD")
    asked_range = environ.pop("HTTP_RANGE", None)
    head = dispatch(Request(environ, "HEAD", request.path, request.service, request.region))
    if head.status != 200:
        return None if head.status not in (304, 412) else head
    span = (0, stored.size) if asked_range is None else _span(asked_range, stored.size)
    if span is None:
        return None
    try:
        file = stored.path.open("rb")
    except FileNotFoundError:  # overwritten this instant: moto finds the new one
        return None
    headers = [(k, v) for k, v in head.headers if k.lower() != "content-length"]
    start, stop = span
    if asked_range is None:
        headers.append(("Content-Length", str(stored.size)))
        return Response(200, headers, _chunks(file, start, stop))
    headers = [(k, v) for k, v in headers if not k.lower().startswith("x-amz-checksum")]
    headers += [
        ("Content-Length", str(stop - start)),
        ("Content-Range", f"bytes {start}-{stop - 1}/{stored.size}"),
    ]
    return Response(206, headers, _chunks(file, start, stop))


def _span(header: str, size: int) -> tuple[int, int] | None:
    """Half-open byte span of a Range header; None when it cannot be satisfied or is not simple."""
    match = _RANGE.match(header.strip())
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) and size else None
    start, stop = int(first), min(size, int(last) + 1 if last else size)
    return (start, stop) if start < stop else None


def _chunks(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = stop - start
        while left and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
