"""boto3 clients through Airflow's connection, and small S3 helpers.

Provider and boto3 are imported on use: DAG files import this module and must parse fast.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from threading import RLock
from typing import TYPE_CHECKING, Any

from frugal.aws.settings import Settings

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook

# Standard mode waits between attempts for a random part of a time that doubles, up to 20 seconds.
RETRIES = {"mode": "standard", "total_max_attempts": 8}
# Adaptive mode also slows down a client that AWS throttles, so that AWS has to refuse it less.
PACED = RETRIES | {"mode": "adaptive"}
NOT_FOUND = frozenset({"404", "NoSuchKey", "NotFound"})

_building = RLock()  # a signal may ask for a client while its own thread builds one
_clients: dict[tuple[str, str | None, bool], Any] = {}


def hook(
    service: str, region: str | None = None, retries: Mapping[str, Any] = RETRIES
) -> AwsGenericHook[Any]:
    """The provider's hook for `service`; without `region` in that of Airflow's connection."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
    from botocore.config import Config

    return AwsGenericHook(
        aws_conn_id=Settings.load().conn_id,
        client_type=service,
        region_name=region,
        config=Config(retries=retries),
    )


def client(service: str, region: str | None = None) -> Any:
    """A boto3 client, which threads may share: one a process, service and region.

    Building one costs a third of a second of CPU, as botocore reads the service's model.
    """
    return _built(service, region, paced=False)


def paced(service: str, region: str | None = None) -> Any:
    """Like `client`, for thousands of calls that nobody waits for: it slows down where AWS throttles it."""
    return _built(service, region, paced=True)


def _built(service: str, region: str | None, *, paced: bool) -> Any:
    key = (service, region, paced)
    found = _clients.get(key)
    if found is None:
        with _building:
            found = _clients.get(key)
            if found is None:
                retries = PACED if paced else RETRIES
                found = _clients[key] = hook(service, region, retries).conn
    return found


def forget() -> None:
    """Build the clients anew, with the credentials that Airflow's connection has by then."""
    _clients.clear()


def is_simulated() -> bool:
    """Whether the figures come from a local AWS: its endpoint is not one of Amazon's."""
    endpoint: str = client("sagemaker").meta.endpoint_url
    return not endpoint.rstrip("/").endswith((".amazonaws.com", ".amazonaws.com.cn"))


def split_uri(uri: str) -> tuple[str, str]:
    """("bucket", "key") of s3://bucket/key. Raises ValueError for anything else."""
    if not uri.startswith("s3://"):
        raise ValueError(f"not an S3 URI: {uri!r}; allowed: s3://bucket/key")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def read_json(uri: str) -> dict[str, Any] | None:
    """The JSON document at `uri`, or None when there is no such object."""
    from botocore.exceptions import ClientError

    bucket, key = split_uri(uri)
    try:
        body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_FOUND:
            return None
        raise
    document: dict[str, Any] = json.loads(body)
    return document


def read_text(uri: str) -> str:
    """The text object at `uri`."""
    bucket, key = split_uri(uri)
    text: str = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    return text


def read_archived_json(uri: str, name: str) -> dict[str, Any] | None:
    """The JSON document `name` in the small tar.gz at `uri`, or None when either is missing."""
    bucket, key = split_uri(uri)
    if key not in list_objects(uri):
        return None
    body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        members = {member.name.removeprefix("./"): member for member in archive.getmembers()}
        stream = archive.extractfile(members[name]) if name in members else None
        document: dict[str, Any] | None = json.load(stream) if stream else None
    return document


def write_json(uri: str, document: Any) -> None:
    """Write `document` to `uri` as indented JSON."""
    bucket, key = split_uri(uri)
    body = json.dumps(document, indent=2).encode()
    client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def list_objects(uri: str) -> dict[str, dict[str, Any]]:
    """Objects below `uri` by key: {"Size", "ETag", "LastModified", ...} each."""
    bucket, prefix = split_uri(uri)
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"]: item for page in pages for item in page.get("Contents", [])}
