"""A run in another region: its bucket there, and what moves between that and the bucket at home.

Objects are copied by S3 itself, only those that are not there already. Everything may be called again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from frugal.aws import clients
from frugal.aws.retries import is_transient
from frugal.aws.run import Run
from frugal.aws.settings import Settings

TRANSFERS = "transfers.json"
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Copy:
    """One object that has to move; `size` in bytes. Both places have the same key."""

    key: str
    size: int
    source: Run
    target: Run


def elsewhere(run: Run, region: str | None) -> Run:
    """The same run as it is laid out in the bucket of `region`; itself at home or for None."""
    if region in (None, run.region):
        return run
    bucket = Settings.load().bucket_in(region, run.account)
    here, there = f"s3://{run.bucket}/", f"s3://{bucket}/"
    return replace(
        run,
        region=region,
        bucket=bucket,
        code=run.code.replace(here, there, 1),
        source=run.source.replace(here, there, 1),
    )


def without_bucket(run: Run) -> str | None:
    """Why the run's bucket cannot be used in the run's region; None when it can. What may pass is raised."""
    from botocore.exceptions import ClientError

    try:
        found = _s3(run).head_bucket(Bucket=run.bucket).get("BucketRegion", run.region)
    except ClientError as error:
        if is_transient(error):
            raise
        problem = f"answers {error.response['Error']['Code']}"
    else:
        if found == run.region:
            return None
        problem = f"is in {found}"
    name = Settings.bucket_variable(run.region)
    return f"the bucket {run.bucket} for {run.region} {problem}; {name} names another"


def inputs_missing(run: Run, there: Run) -> list[Copy]:
    """What training reads and is not there: the dataset's splits, the code, the checkpoints."""
    key = clients.split_uri
    prefixes = [f"{key(run.dataset(split))[1]}/" for split in ("train", "validation")]
    prefixes += [key(run.source)[1], f"{key(run.own(CHECKPOINTS))[1]}/"]
    return [copy for prefix in prefixes for copy in _differing(run, there, prefix)]


def bring(run: Run, there: Run, others: Collection[Run]) -> int:
    """Make `there` ready for training: inputs from home, and the newest checkpoints wherever they are.

    `others` are the run's other places, where a job that was stopped may have left newer checkpoints. Returns bytes
    copied.
    """
    collected = collect(run, [*others, there])
    return collected + (_copy(run, inputs_missing(run, there)) if there != run else 0)


def collect(run: Run, places: Iterable[Run]) -> int:
    """Bring the newest version of each checkpoint home from `places`; returns bytes copied.

    Only one job of a run trains at a time and nothing older is ever copied over what is newer, so of the versions of a
    file the one modified last is the newest. S3 tells times to the second; no job starts, writes and ends in one.
    """
    prefix = f"{clients.split_uri(run.own(CHECKPOINTS))[1]}/"
    here = _objects(run, prefix)
    newest: dict[str, tuple[Mapping[str, Any], Run]] = {
        key: (item, run) for key, item in here.items()
    }
    for place in places:
        if place == run:
            continue
        for key, item in _objects(place, prefix).items():
            if key not in newest or item["LastModified"] >= newest[key][0]["LastModified"]:
                newest[key] = (item, place)
    return _copy(
        run,
        [
            Copy(key, item["Size"], place, run)
            for key, (item, place) in newest.items()
            if place != run and _differ(item, here.get(key))
        ],
    )


def bring_home(run: Run, there: Run, job: str) -> int:
    """Bring a job's checkpoints and whatever it left under model/<job> home; returns bytes copied."""
    if there == run:
        return 0
    left = f"{clients.split_uri(run.own('model', job))[1]}/"
    return collect(run, [there]) + _copy(run, list(_differing(there, run, left)))


def transfers(run: Run) -> list[dict[str, Any]]:
    """What moved between regions for the run: [{"from", "to", "bytes"}], in order."""
    document = clients.read_json(run.own(TRANSFERS)) or {}
    moved: list[dict[str, Any]] = document.get("transfers", [])
    return moved


def _differing(source: Run, target: Run, prefix: str) -> Iterable[Copy]:
    there = _objects(target, prefix)
    for key, item in _objects(source, prefix).items():
        if _differ(item, there.get(key)):
            yield Copy(key, item["Size"], source, target)


def _differ(item: Mapping[str, Any], other: Mapping[str, Any] | None) -> bool:
    """Whether `other` is not a copy of `item`. ETags of copies may differ (parts, KMS); then time decides."""
    if other is None or item["Size"] != other["Size"]:
        return True
    is_older = bool(item["LastModified"] < other["LastModified"])
    return item["ETag"] != other["ETag"] and not is_older


def _copy(run: Run, copies: Collection[Copy]) -> int:
    """Copy, and record at the run's home what moved, also when something did not; returns bytes."""
    moved: dict[tuple[str, str], int] = {}
    try:
        for copy in copies:
            _s3(copy.target).copy(
                {"Bucket": copy.source.bucket, "Key": copy.key},
                copy.target.bucket,
                copy.key,
                SourceClient=_s3(copy.source),
            )
            route = (copy.source.region, copy.target.region)
            moved[route] = moved.get(route, 0) + copy.size
    finally:
        entries = [
            {"from": source, "to": target, "bytes": size}
            for (source, target), size in moved.items()
        ]
        if entries:
            clients.write_json(run.own(TRANSFERS), {"transfers": [*transfers(run), *entries]})
    return sum(moved.values())


def _objects(place: Run, prefix: str) -> dict[str, Mapping[str, Any]]:
    pages = _s3(place).get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=place.bucket, Prefix=prefix)
    return {item["Key"]: item for page in found for item in page.get("Contents", [])}


def _s3(place: Run) -> Any:
    return clients.client("s3", place.region)
