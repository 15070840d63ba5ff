"""DeleteObjects with ETags: what was overwritten meanwhile stays, as on S3 (S3 User Guide, "How to perform conditional
deletes"). moto deletes it all the same.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import xmltodict
from moto.s3.responses import S3Response

_END = "</DeleteResult>"

_delete_keys: Any = S3Response._bucket_response_delete_keys


def install() -> None:
    """Let moto look at the ETags of what it is to delete."""
    S3Response._bucket_response_delete_keys = _conditionally  # type: ignore[method-assign]


def _conditionally(self: Any, bucket_name: str, authenticated: bool = True) -> Any:
    document = xmltodict.parse(self.body, strip_whitespace=False, force_list=("Object",))
    asked = document["Delete"].get("Object", [])
    bucket = self.backend.get_bucket(bucket_name)
    changed = [entry for entry in asked if _has_changed(bucket, entry)]
    if not changed:
        return _delete_keys(self, bucket_name, authenticated)
    errors = "".join(
        f"<Error><Key>{escape(entry['Key'])}</Key><Code>PreconditionFailed</Code>"
        "<Message>At least one of the pre-conditions you specified did not hold</Message></Error>"
        for entry in changed
    )
    rest = [entry for entry in asked if entry not in changed]
    if not rest:
        return 200, {}, f"<DeleteResult>{errors}{_END}"
    document["Delete"]["Object"] = rest
    self.body = xmltodict.unparse(document)
    answer = _delete_keys(self, bucket_name, authenticated)
    status, headers, body = answer if isinstance(answer, tuple) else (200, {}, answer)
    text = body if isinstance(body, str) else body.decode()
    return status, headers, text.replace(_END, f"{errors}{_END}")


def _has_changed(bucket: Any, entry: dict[str, Any]) -> bool:
    """Whether the object has another ETag than the one that was given; an object that is gone has not."""
    given, key = entry.get("ETag"), bucket.keys.get(entry["Key"])
    return given is not None and hasattr(key, "etag") and key.etag.strip('"') != given.strip('"')
