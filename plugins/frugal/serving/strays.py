"""Endpoints that a model left behind when it came to be served in another form, or under another name."""

from __future__ import annotations

from frugal.aws import clients
from frugal.aws.settings import Settings
from frugal.aws.tags import ENVIRONMENT, MANAGED_BY, MODEL, TEMPORARY, as_dict
from frugal.serving.names import served_by
from frugal.spec import ModelSpec


def strays(spec: ModelSpec, region: str | None = None) -> list[str]:
    """Names of endpoints that were made for the model in this environment and that its spec does not ask for.

    They serve on until `hand_over` finds that nobody asks them. The tagging API may be some seconds behind.
    """
    tags = {**MANAGED_BY, ENVIRONMENT: Settings.load().environment, MODEL: spec.name}
    pages = clients.client("resourcegroupstaggingapi", region).get_paginator("get_resources")
    found = pages.paginate(
        TagFilters=[{"Key": key, "Values": [value]} for key, value in tags.items()],
        ResourceTypeFilters=["sagemaker:endpoint"],
    )
    names = {
        item["ResourceARN"].rpartition("/")[2]
        for page in found
        for item in page["ResourceTagMappingList"]
        if not TEMPORARY.items() <= as_dict(item["Tags"]).items()
    }
    return sorted(names - set(served_by(spec)))
