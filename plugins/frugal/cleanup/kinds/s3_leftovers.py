"""What a bucket holds that nobody sees: incomplete uploads, noncurrent versions, and cleanup's own trash.

None of it can be brought back. S3 does the first two by itself once the lifecycle rules are applied
(`frugal cleanup lifecycle`); then nothing is found here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.artifact_deletion import PAGE, TRASH, remove, versions
from frugal.cleanup.artifacts import Place, Sum, Unit, again, batched, lister, monthly
from frugal.cleanup.kind import Act, CleanupKind
from frugal.cleanup.resource import Resource
from frugal.cleanup.signals.signal import words
from frugal.spec import ModelSpec

SEPARATOR = "?uploadId="


def _uploads(place: Place, spec: ModelSpec, name: str) -> Iterator[Unit]:
    key, _, only = name.partition(SEPARATOR)
    pages = place.s3.get_paginator("list_multipart_uploads")
    for page in pages.paginate(Bucket=place.bucket, Prefix=key or f"{spec.name}/"):
        for upload in page.get("Uploads", []):
            if only and upload["UploadId"] != only:
                continue
            began: datetime = upload["Initiated"]
            due = place.older(began, spec.retention.uploads)
            yield Unit(
                f"{upload['Key']}{SEPARATOR}{upload['UploadId']}",
                objects=1,
                bytes=_parts(place, upload) if due else 0,
                changed=began,
                due=due,
                why=f"begun {words((place.account.clock() - began).total_seconds())} ago, never completed",
            )


def _parts(place: Place, upload: dict[str, Any]) -> int:
    """Bytes of the parts that were uploaded and bill."""
    pages = place.s3.get_paginator("list_parts").paginate(
        Bucket=place.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
    )
    return sum(part["Size"] for page in pages for part in page.get("Parts", []))


def _abort(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    place = Place(account)
    key, _, upload = resource.name.partition(SEPARATOR)
    try:
        place.s3.abort_multipart_upload(Bucket=place.bucket, Key=key, UploadId=upload)
    except place.s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchUpload":
            raise
    return [f"incomplete upload of {key}"]


def _noncurrent(place: Place, spec: ModelSpec, name: str) -> Iterator[Unit]:
    """All of a model together."""
    if not place.versioned():
        return
    total = Sum()
    for version in _doomed(place, spec):
        total.add({"Size": 0, **version})
    kept = spec.retention.noncurrent
    beyond = f", beyond {kept.keep} newer ones" if kept.keep else ""
    if total.objects:
        yield Unit(
            f"{spec.name}/",
            total.objects,
            total.bytes,
            due=True,
            why=f"{total.objects} versions noncurrent for over {kept.after.days} days{beyond}",
        )


def _doomed(place: Place, spec: ModelSpec) -> Iterator[dict[str, Any]]:
    """Versions below a model's prefix that are noncurrent for long and not among the newest of their key, and delete
    markers that hide nothing any more.
    """
    kept = spec.retention.noncurrent
    key, rank, replaced = "", 0, None
    marker: dict[str, Any] | None = None
    for version in versions(place, f"{spec.name}/"):
        if version["Key"] != key:
            if marker:
                yield marker
            key, rank, replaced = version["Key"], 0, None
            hides = version["IsLatest"] and "Size" not in version
            marker = version if hides and place.older(version["LastModified"], kept.after) else None
        if replaced is not None:
            rank += 1
            if rank > kept.keep and place.older(replaced, kept.after):
                yield version
            else:
                marker = None
        replaced = version["LastModified"]
    if marker:
        yield marker


def _delete_versions(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    from frugal.cleanup.reap import known_specs

    place, gone = Place(account), 0
    for spec in known_specs():
        if spec.name == resource.model:
            for page in batched(_doomed(place, spec), PAGE):
                named = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in page]
                remove(place, named)
                gone += len(page)
    return [f"{gone} noncurrent versions below {resource.name}"]


def _trash(account: Account) -> Iterator[Iterable[Resource]]:
    """What earlier nights moved there, by the id of what it was."""
    place = Place(account, listing=True)
    if place.exists():
        for folders in batched(place.folders(TRASH), 100):
            yield [_trashed(place, folder) for folder in folders]


def _trashed(place: Place, folder: str) -> Resource:
    total = Sum.of(place.objects(folder))
    facts = {"objects": total.objects, "bytes": total.bytes, "changed": total.changed}
    return Resource("s3-trash", folder, place.account.region, tags=place.tags(), facts=facts)


def _trash_again(account: Account, resource: Resource) -> Resource | None:
    place = Place(account)
    found = _trashed(place, resource.name)
    return found if (found.facts or {})["objects"] else None


def _empty(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    place, gone = Place(account), 0
    for page in batched(place.objects(resource.name), PAGE):
        remove(place, [{"Key": item["Key"]} for item in page])
        gone += len(page)
    return [f"{gone} objects of the trash below {resource.name}"]


def _told(account: Account, resource: Resource) -> Recipe:
    """What it was: no recipe brings it back."""
    facts = resource.facts or {}
    told = {name: facts[name] for name in ("objects", "bytes", "why") if name in facts}
    return {"bucket": account.bucket, "name": resource.name, **told}


KINDS = (
    CleanupKind(
        name="s3-upload",
        order=250,
        list=lister("s3-upload", _uploads),
        again=again("s3-upload", _uploads),
        acts={"delete": Act(_told, _abort)},
        monthly=monthly,
        markable=False,
    ),
    CleanupKind(
        name="s3-versions",
        order=260,
        list=lister("s3-versions", _noncurrent),
        again=again("s3-versions", _noncurrent),
        acts={"delete": Act(_told, _delete_versions)},
        monthly=monthly,
        markable=False,
    ),
    CleanupKind(
        name="s3-trash",
        order=270,
        list=_trash,
        again=_trash_again,
        acts={"delete": Act(_told, _empty)},
        monthly=monthly,
        markable=False,
    ),
)
