"""The Resource Groups Tagging API over what is kept here and what moto has.

What was untagged since is not listed, where AWS goes on listing it without tags.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Iterator
from heapq import merge
from itertools import islice
from operator import itemgetter

from local_aws.app import App
from local_aws.backing.tagged import SERVICES, change_tags, tagged
from local_aws.errors import AwsError
from local_aws.sagemaker.registry import Call, Params
from local_aws.sagemaker.tags import MAX_TAGS, as_list
from local_aws.service import Service

SERVICE = Service("resourcegroupstaggingapi", invalid="InvalidParameterException")

DEFAULT_PAGE, MOST_PER_PAGE = 50, 100
LEAST_TAGS, MOST_TAGS_PER_PAGE = 100, 500

Tagged = tuple[str, dict[str, str]]


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


@SERVICE.operation("GetResources")
def get_resources(call: Call, params: Params) -> Params:
    """Tagged resources by type and tag, in the order of their ARNs, or by ARN."""
    if "ResourceARNList" in params:
        return {"ResourceTagMappingList": _entries(_by_arn(call, params))}
    size = params.get("ResourcesPerPage", DEFAULT_PAGE)
    most_tags = params.get("TagsPerPage", MOST_TAGS_PER_PAGE * MAX_TAGS)
    _check_page(params)
    types = set(params.get("ResourceTypeFilters", []))
    wanted = {f["Key"]: f.get("Values", []) for f in params.get("TagFilters", [])}
    found = (
        (arn, tags)
        for arn, tags in _every(call, types, _after(params))
        if _is_of(arn, types) and _has(tags, wanted)
    )
    page: list[Tagged] = []
    for arn, tags in islice(found, size + 1):
        most_tags -= max(1, len(tags))
        if len(page) == size or (most_tags < 0 and page):
            return {
                "ResourceTagMappingList": _entries(page),
                "PaginationToken": _token(page[-1][0]),
            }
        page.append((arn, tags))
    return {"ResourceTagMappingList": _entries(page), "PaginationToken": ""}


def _check_page(params: Params) -> None:
    bounds = {
        "ResourcesPerPage": (1, MOST_PER_PAGE),
        "TagsPerPage": (LEAST_TAGS, MOST_TAGS_PER_PAGE),
    }
    for member, (least, most) in bounds.items():
        if member in params and not least <= params[member] <= most:
            raise invalid(f"{member} must be from {least} to {most}, not {params[member]}")


def _by_arn(call: Call, params: Params) -> list[Tagged]:
    if others := params.keys() - {"ResourceARNList"}:
        raise invalid(f"ResourceARNList cannot be combined with {', '.join(sorted(others))}")
    wanted = set(params["ResourceARNList"])
    own = [(arn, tags) for arn in sorted(wanted) if (tags := call.app.store.tags(arn))]
    services = {arn.split(":", 3)[2] for arn in wanted if arn.count(":") > 2}
    return own + [entry for entry in tagged(services, call.region) if entry[0] in wanted]


def _every(call: Call, types: set[str], after: str) -> Iterator[Tagged]:
    """All that is tagged in the region, and could be of the types, with ARNs above `after`."""
    services = {kind.partition(":")[0] for kind in types} or set(SERVICES)
    theirs = _theirs([service for service in SERVICES if service in services], call.region, after)
    return merge(_own(call.app, call.region, after), theirs, key=itemgetter(0))


def _theirs(services: list[str], region: str, after: str) -> Iterator[Tagged]:
    """Of moto's services one after the other, which is the order of their ARNs, each when it is reached."""
    for service in services:
        if after < f"arn:aws:{service};":
            found = (entry for entry in tagged({service}, region) if entry[0] > after)
            yield from sorted(found, key=itemgetter(0))


def _own(app: App, region: str, after: str) -> Iterator[Tagged]:
    arns = app.store.tagged_arns()
    for number in range(bisect_right(arns, after), len(arns)):
        if f":{region}:" in arns[number] and (tags := app.store.tags(arns[number])):
            yield arns[number], tags


def _is_of(arn: str, types: set[str]) -> bool:
    if not types:
        return True
    _, _, service, _, _, resource = arn.split(":", 5)
    kind = "bucket" if service == "s3" else re.split("[/:]", resource, maxsplit=1)[0]
    return service in types or f"{service}:{kind}" in types


def _has(tags: dict[str, str], wanted: dict[str, list[str]]) -> bool:
    return all(
        key in tags and (not values or tags[key] in values) for key, values in wanted.items()
    )


def _entries(found: list[Tagged]) -> list[Params]:
    return [{"ResourceARN": arn, "Tags": as_list(tags)} for arn, tags in found]


def _token(arn: str) -> str:
    return base64.urlsafe_b64encode(arn.encode()).decode()


def _after(params: Params) -> str:
    try:
        return base64.b64decode(params.get("PaginationToken", ""), b"-_", validate=True).decode()
    except ValueError as error:
        raise invalid("The PaginationToken is not one that was returned") from error


@SERVICE.operation("GetTagKeys")
def get_tag_keys(call: Call, params: Params) -> Params:
    keys = {key for _, tags in _every(call, set(), "") for key in tags}
    return {"TagKeys": sorted(keys), "PaginationToken": ""}


@SERVICE.operation("GetTagValues")
def get_tag_values(call: Call, params: Params) -> Params:
    key = params["Key"]
    values = {tags[key] for _, tags in _every(call, set(), "") if key in tags}
    return {"TagValues": sorted(values), "PaginationToken": ""}


@SERVICE.operation("TagResources")
def tag_resources(call: Call, params: Params) -> Params:
    return _changed(call, params["ResourceARNList"], params["Tags"], [])


@SERVICE.operation("UntagResources")
def untag_resources(call: Call, params: Params) -> Params:
    return _changed(call, params["ResourceARNList"], {}, params["TagKeys"])


def _changed(call: Call, arns: list[str], added: dict[str, str], removed: list[str]) -> Params:
    """Change each resource's tags; what could not be is in FailedResourcesMap."""
    failed = {}
    for arn in arns:
        try:
            _change(call.app, arn, added, removed)
        except Exception as error:
            text = error.message if isinstance(error, AwsError) else f"{arn} does not exist"
            failed[arn] = {
                "StatusCode": 400,
                "ErrorCode": "InvalidParameterException",
                "ErrorMessage": text,
            }
    return {"FailedResourcesMap": failed}


def _change(app: App, arn: str, added: dict[str, str], removed: list[str]) -> None:
    if app.store.find(arn) is None:
        change_tags(app.objects, app.snapshots, arn, added, removed)
        return
    if len(app.store.tags(arn) | added) > MAX_TAGS:
        raise invalid(f"A resource has at most {MAX_TAGS} tags")
    app.store.tag(arn, added)
    app.store.untag(arn, removed)
