"""What cleaning up keeps between two nights: JSON documents below s3://<bucket>/cleanup/.

known/<region>.json      what looking at things told
marks/<region>.json      marks of what carries no tags
recipes/<id>.json        what was done about a thing, and all that bringing it back needs
journal/<region>.json    the sweep that is under way, or the last one
plans/<run>.json         what a night's DAG run planned
"""

from __future__ import annotations

import json
from typing import Any

from frugal.aws.clients import NOT_FOUND
from frugal.cleanup.account import Account

ROOT = "cleanup"
UNCHANGED_SINCE_READ = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


class Changed(RuntimeError):
    """Somebody else wrote the document since it was read."""


def is_there(s3: Any, bucket: str) -> bool:
    """Whether there is such a bucket."""
    try:
        s3.head_bucket(Bucket=bucket)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in NOT_FOUND:
            return False
        raise
    return True


def read(account: Account, *names: str) -> Any:
    """The document of that name; None when there is none."""
    return read_with_etag(account, *names)[0]


def read_with_etag(account: Account, *names: str) -> tuple[Any, str | None]:
    """The document of that name and its ETag; None each when there is none."""
    client = account.client("s3")
    try:
        answer = client.get_object(Bucket=account.bucket, Key=_key(names))
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in NOT_FOUND | {"NoSuchBucket"}:
            return None, None
        raise
    return json.loads(answer["Body"].read()), answer["ETag"]


def write(account: Account, document: Any, *names: str) -> None:
    """Write the document of that name."""
    account.client("s3").put_object(**_put(account, document, names))


def replace(account: Account, document: Any, etag: str | None, *names: str) -> None:
    """Write the document of that name if it is still that of `etag`, or still missing. Raises Changed otherwise."""
    client = account.client("s3")
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        client.put_object(**_put(account, document, names), **condition)
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in UNCHANGED_SINCE_READ:
            raise Changed(_key(names)) from error
        raise


def _put(account: Account, document: Any, names: tuple[str, ...]) -> dict[str, Any]:
    body = json.dumps(document, indent=1, default=str).encode()
    return {
        "Bucket": account.bucket,
        "Key": _key(names),
        "Body": body,
        "ContentType": "application/json",
    }


def _key(names: tuple[str, ...]) -> str:
    return "/".join((ROOT, *names))
