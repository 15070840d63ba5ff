"""Deleting units of S3 so that they can be brought back, whatever their size: a page of a thousand objects at a time.

In a bucket with versioning a deletion leaves the object behind as a version; elsewhere it is moved to
`cleanup/trash/<id>/` first. An object that was written since the unit was judged stays, by its time and by its ETag. A
deletion that was interrupted is called again and goes on with what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.artifacts import Place, batched, prefixes
from frugal.cleanup.kind import Act
from frugal.cleanup.resource import Resource

TRASH = "cleanup/trash/"
PAGE = 1000  # DeleteObjects, botocore's model
COPIES_AT_ONCE = 8
LARGEST_COPY = 5 * 1024**3  # in one CopyObject, S3 User Guide
CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
GONE = frozenset({"NoSuchKey", "NotFound"})


class NotDeleted(RuntimeError):
    """S3 refused to delete some objects; the message names the first."""


def _recipe(account: Account, resource: Resource) -> Recipe | None:
    facts, place = resource.facts or {}, Place(account)
    if not facts.get("objects"):
        return None
    answer = place.s3.head_bucket(Bucket=place.bucket)
    return {
        "bucket": place.bucket,
        "prefixes": list(prefixes(resource)),
        "versioned": place.versioned(),
        "trash": f"{TRASH}{resource.id}/",
        "until": facts["changed"].isoformat(),
        "since": _date(answer).isoformat(),
        "objects": facts["objects"],
        "bytes": facts["bytes"],
    }


def _delete(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    place, until = Place(account), datetime.fromisoformat(recipe["until"])
    gone, stayed = 0, 0
    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        for prefix in recipe["prefixes"]:
            old = (item for item in place.objects(prefix) if item["LastModified"] <= until)
            for page in batched(old, PAGE):
                if not recipe["versioned"]:
                    list(pool.map(lambda item: _copy(place, recipe, item), page))
                named = [{"Key": item["Key"], "ETag": item["ETag"]} for item in page]
                changed = remove(place, named)
                gone, stayed = gone + len(page) - changed, stayed + changed
    kept = f", {stayed} were written meanwhile and stay" if stayed else ""
    return [f"{gone} objects below {', '.join(recipe['prefixes'])}{kept}"]


def _undo(account: Account, recipe: Recipe) -> list[str]:
    place = Place(account)
    if recipe["versioned"]:
        count = sum(_unmark(place, prefix, recipe["since"]) for prefix in recipe["prefixes"])
    else:
        count = _back(place, recipe["trash"])
    return [f"{count} of {recipe['objects']} objects below {', '.join(recipe['prefixes'])}"]


DELETE = Act(_recipe, _delete, _undo)


def remove(place: Place, objects: Sequence[Mapping[str, str]]) -> int:
    """Delete at most a thousand objects or versions; how many stay because they changed. Raises NotDeleted."""
    answer = place.s3.delete_objects(
        Bucket=place.bucket, Delete={"Objects": list(objects), "Quiet": True}
    )
    errors = [error for error in answer.get("Errors", []) if error["Code"] not in GONE]
    refused = [error for error in errors if error["Code"] not in CHANGED]
    if refused:
        first = refused[0]
        raise NotDeleted(
            f"S3 did not delete {len(refused)} objects of {place.bucket}, the first of them "
            f"{first['Key']}: {first['Code']}, {first.get('Message', '')}"
        )
    return len(errors)


def versions(place: Place, prefix: str) -> Iterator[dict[str, Any]]:
    """Every version and delete marker below a prefix, each key's newest first; a marker has no Size."""
    pages = place.s3.get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=place.bucket, Prefix=prefix):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        yield from sorted(
            found,
            key=lambda item: (
                item["Key"],
                not item["IsLatest"],
                -item["LastModified"].timestamp(),
            ),
        )


def _unmark(place: Place, prefix: str, since: str) -> int:
    """Take the delete markers away that hide objects since then: what they hid is there again."""
    start, count = datetime.fromisoformat(since).replace(microsecond=0), 0
    markers = (
        {"Key": item["Key"], "VersionId": item["VersionId"]}
        for item in versions(place, prefix)
        if "Size" not in item and item["IsLatest"] and item["LastModified"] >= start
    )
    for page in batched(markers, PAGE):
        remove(place, page)
        count += len(page)
    return count


def _back(place: Place, trash: str) -> int:
    """Move what lies in the trash back to where it was, unless something lies there again."""
    count = 0
    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        for page in batched(place.objects(trash), PAGE):
            made = pool.map(lambda item: _restore(place, item, trash), page)
            count += sum(made)
            remove(place, _named(page))
    return count


def _restore(place: Place, item: Mapping[str, Any], trash: str) -> bool:
    key = item["Key"].removeprefix(trash)
    try:
        place.s3.head_object(Bucket=place.bucket, Key=key)
    except place.s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("404", *GONE):
            raise
    else:
        return False
    _copy_object(place, item, key)
    return True


def _copy(place: Place, recipe: Recipe, item: Mapping[str, Any]) -> None:
    _copy_object(place, item, f"{recipe['trash']}{item['Key']}")


def _copy_object(place: Place, item: Mapping[str, Any], key: str) -> None:
    """A copy inside of S3, in several parts where it is too large for one request."""
    source = {"Bucket": place.bucket, "Key": item["Key"]}
    if item["Size"] < LARGEST_COPY:
        place.s3.copy_object(Bucket=place.bucket, Key=key, CopySource=source)
    else:
        place.s3.copy(source, place.bucket, key)


def _named(page: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{"Key": item["Key"]} for item in page]


def _date(answer: Mapping[str, Any]) -> datetime:
    """What time it is on S3."""
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
