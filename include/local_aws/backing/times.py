"""moto on the local AWS's clock: objects, messages and log groups are as old as everything else."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import moto.core.utils
from moto.s3.responses import S3Response

from local_aws import clock

_UPLOAD = re.compile(r"<Upload>.*?</Upload>", re.DOTALL)
_ID = re.compile(r"<UploadId>(.*?)</UploadId>")
_INITIATED = re.compile(r"(?<=<Initiated>).*?(?=</Initiated>)")
_INITIATION = "initiated"

_list_uploads: Any = S3Response.list_multipart_uploads


def install() -> None:
    """Let moto ask the clock. Its modules hold its function by name: what that runs is replaced."""
    moto.core.utils.utcnow.__code__ = _utcnow.__code__
    S3Response.list_multipart_uploads = _list_multipart_uploads  # type: ignore[method-assign]


def _utcnow() -> datetime:
    from local_aws import clock  # its globals are moto's

    return clock.utcnow()


def begin(upload: Any) -> None:
    """Note when a multipart upload was initiated."""
    setattr(upload, _INITIATION, clock.utcnow())


def _list_multipart_uploads(self: Any) -> Any:
    """moto's list, with the uploads' own times in place of one that moto made up."""
    status, headers, body = _list_uploads(self)
    uploads = self.backend.list_multipart_uploads(self.bucket_name)

    def dated(entry: re.Match[str]) -> str:
        found = _ID.search(entry[0])
        upload = uploads.get(found[1]) if found else None
        began: datetime | None = getattr(upload, _INITIATION, None)
        if began is None:
            return entry[0]
        return _INITIATED.sub(began.strftime("%Y-%m-%dT%H:%M:%S.000Z"), entry[0])

    text = body if isinstance(body, str) else body.decode()
    return status, headers, _UPLOAD.sub(dated, text)
