"""Which artefacts in S3 somebody needs: the mark of a mark-and-sweep over what a bucket holds.

Marked is what any model, inference component, model package or job under way of the account names, whoever owns it,
in any region that models train in, and what a recipe of the last 30 days names, so that it brings back what works; of
rejected model packages only the newest. Nothing is passed over: what cannot be read raises, and nothing is swept.
What the account's night has described once it describes again only when its List call says that it changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from frugal.aws.registry import FINGERPRINT, MODEL_DATA
from frugal.cleanup import store
from frugal.cleanup.account import Account
from frugal.jobs.kind import is_missing
from frugal.jobs.kinds import KINDS
from frugal.spec import ModelSpec

PAGE = 100
#: What holds artefacts to serve them: as List and Describe call it.
SERVED = {"model": "Models", "inference_component": "InferenceComponents"}
REJECTED = "Rejected"
STOPPING = "Stopping"
UNKNOWN_IN_THE_REGION = "UnknownOperationException"
#: How long what was taken is held ready to be brought back.
RESTORABLE = timedelta(days=30)
#: The key of an S3 URI anywhere in a text: script mode's hyperparameters are JSON, quotes and all.
KEY = re.compile(r"s3://[^/\s\"']+/([^\s\"',]+)")
#: What of a key names a unit: a run, a dataset, published code, what a multi-model endpoint serves.
UNIT = re.compile(r"^(?:([^/]+)/(runs|datasets|code)/([^/]+)|(serving)/([^/]+))")


@dataclass
class References:
    """`held` are the units that somebody needs, such as "churn/runs/<run>"; `busy` those that a job under way names;
    `rejected` the runs of rejected models beyond those that are kept.
    """

    held: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)

    def training(self, model: str) -> bool:
        """Whether a job under way has to do with the model."""
        return any(unit.startswith(f"{model}/") for unit in self.busy)


def collect(account: Account, specs: Iterable[ModelSpec]) -> References:
    """All of them as they are now."""
    specs = list(specs)
    found = References()
    regions = {rung.region for spec in specs for rung in spec.train.capacity if rung.region}
    for region in sorted({account.region, *regions}):
        client = account.connect("sagemaker", region)
        found.busy |= units(_under_way(client))
        for noun, listed in SERVED.items():
            found.held.update(*_described(account, client, noun, listed))
    _registry(account, {spec.name: spec.retention.rejected for spec in specs}, found)
    found.held |= found.busy | units(_recipes(account))
    return found


def units(documents: Iterable[Any]) -> set[str]:
    """The units that any text in the documents names by its S3 URI; in whichever bucket, as other regions' have the
    same keys.
    """
    return {unit for document in documents for unit in _units(document)}


def _units(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        for key in KEY.findall(document):
            yield from unit_of(key)
    elif isinstance(document, Mapping):
        for value in document.values():
            yield from _units(value)
    elif isinstance(document, list | tuple):
        for value in document:
            yield from _units(value)


def unit_of(key: str) -> Iterator[str]:
    """The unit that a key belongs to, if any. Code is named by its folder and by its archive."""
    match = UNIT.match(key)
    if match:
        model, folder, name, serving, endpoint = match.groups()
        yield f"{serving}/{endpoint}" if serving else f"{model}/{folder}/{code_of(name)}"


def code_of(name: str) -> str:
    """The hash of published code, of its folder or its archive."""
    return name.removesuffix(".tar.gz")


def _under_way(client: Any) -> Iterator[Any]:
    for kind in KINDS.values():
        if not kind.one_per_attempt:
            continue  # endpoints and components hold what they serve through their models
        paginator = client.get_paginator(kind.list)
        [result] = paginator.result_keys
        stopping = STOPPING.upper() if min(kind.underway).isupper() else STOPPING
        for status in sorted({*kind.underway, stopping}):
            for page in _pages(paginator, StatusEquals=status):
                for item in result.search(page) or []:
                    yield kind.find(client, item[kind.name_key])


def _described(account: Account, client: Any, noun: str, listed: str) -> Iterator[set[str]]:
    """The units of each thing of one kind."""
    name = noun.title().replace("_", "")
    for page in _pages(client.get_paginator(f"list_{noun}s")):
        for item in page[listed]:
            given = {f"{name}Name": item[f"{name}Name"]}
            changed = item.get("LastModifiedTime", item["CreationTime"])
            describe = partial(_describe, client, noun, given)
            yield _once(account, item[f"{name}Arn"], changed, describe)


def _describe(client: Any, noun: str, given: dict[str, str]) -> set[str]:
    try:
        return units([getattr(client, f"describe_{noun}")(**given)])
    except client.exceptions.ClientError as error:
        if not is_missing(error.response["Error"]):
            raise
        return set()


def _once(account: Account, arn: str, stamp: Any, describe: Callable[[], set[str]]) -> set[str]:
    """What `describe` tells of a thing, as long as its stamp stays the same."""
    known = account.seen.setdefault("references", {})
    if arn not in known or known[arn][0] != stamp:
        known[arn] = (stamp, describe())
    found: set[str] = known[arn][1]
    return found


def _recipes(account: Account) -> Iterator[Any]:
    """What was taken lately, as it was."""
    s3, since = account.client("s3"), account.clock() - RESTORABLE
    pages = s3.get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=account.bucket, Prefix=f"{store.ROOT}/recipes/"):
        for item in page.get("Contents", []):
            if item["LastModified"] > since:
                name = item["Key"].rpartition("/")[2]
                yield store.read(account, "recipes", name)


def _pages(paginator: Any, **given: Any) -> Iterator[Any]:
    """Pages of a List call; none where the region does not know the operation, so that nothing of it is there."""
    try:
        yield from paginator.paginate(**given, PaginationConfig={"PageSize": PAGE})
    except Exception as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code")
        if code != UNKNOWN_IN_THE_REGION:
            raise


def _registry(account: Account, kept: Mapping[str, int], found: References) -> None:
    """Every version of every group; of a model's own group `kept` rejected ones at most hold what they made."""
    client = account.client("sagemaker")
    groups = [
        group["ModelPackageGroupName"]
        for page in _pages(client.get_paginator("list_model_package_groups"))
        for group in page["ModelPackageGroupSummaryList"]
    ]
    for group in groups:
        rejected = 0
        pages = _pages(
            client.get_paginator("list_model_packages"),
            ModelPackageGroupName=group,
            SortBy="CreationTime",
            SortOrder="Descending",
        )
        for item in (item for page in pages for item in page["ModelPackageSummaryList"]):
            arn, status = item["ModelPackageArn"], item.get("ModelApprovalStatus")
            made = _once(account, arn, item["CreationTime"], partial(_packaged, client, arn))
            if status == REJECTED and group in kept:
                rejected += 1
                if rejected > kept[group]:
                    found.rejected |= {unit for unit in made if "/runs/" in unit}
                    continue
            found.held |= made


def _packaged(client: Any, arn: str) -> set[str]:
    """The units of a model package, and the dataset that its lineage names by its fingerprint alone."""
    package = client.describe_model_package(ModelPackageName=arn)
    lineage = package.get("CustomerMetadataProperties", {})
    datasets = {
        f"{unit.partition('/')[0]}/datasets/{lineage[FINGERPRINT]}"
        for unit in units([lineage.get(MODEL_DATA)])
        if FINGERPRINT in lineage
    }
    return units([package]) | datasets
