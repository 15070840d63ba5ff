"""The Resource Groups Tagging API over our own services' resources and moto's."""

from __future__ import annotations

import io
import json
import re
from typing import Any

from local_aws.app import App
from local_aws.errors import AwsError
from local_aws.http import Request
from local_aws.sagemaker.registry import Params
from local_aws.sagemaker.tags import as_list

# The types that moto is asked about when the request names none.
OTHERS = ["s3", "sqs", "sns", "events:rule", "logs"]

# The services whose tags are kept here.
OWN = ("sagemaker", "cloudwatch", "application-autoscaling")

DEFAULT_PAGE = 50


def get_resources(app: App, request: Request, params: Params) -> Params:
    """GetResources: tagged resources by type, tag or ARN, in pages of 50."""
    types = params.get("ResourceTypeFilters", [])
    wanted_arns = params.get("ResourceARNList", [])
    ours = [
        {"ResourceARN": arn, "Tags": as_list(tags)}
        for arn, tags in sorted(app.store.tagged().items())
        if f":{request.region}:" in arn and _matches(arn, tags, types, params)
    ]
    others = [t for t in types if t.partition(":")[0] not in OWN] if types else OTHERS
    found = ours + (_from_moto(app, request, params, others) if others else [])
    if wanted_arns:
        found = [entry for entry in found if entry["ResourceARN"] in wanted_arns]
    start = int(params.get("PaginationToken") or 0)
    stop = start + params.get("ResourcesPerPage", DEFAULT_PAGE)
    token = str(stop) if stop < len(found) else ""
    return {"ResourceTagMappingList": found[start:stop], "PaginationToken": token}


def _matches(arn: str, tags: dict[str, str], types: list[str], params: Params) -> bool:
    service, resource = arn.split(":", 5)[2], arn.split(":", 5)[5]
    kind = re.split("[/:]", resource, maxsplit=1)[0]
    if types and not {service, f"{service}:{kind}"} & set(types):
        return False
    for asked in params.get("TagFilters", []):
        values = asked.get("Values", [])
        if asked["Key"] not in tags or (values and tags[asked["Key"]] not in values):
            return False
    return True


def _from_moto(
    app: App, request: Request, params: Params, types: list[str]
) -> list[dict[str, Any]]:
    asked = {"ResourceTypeFilters": types, "TagFilters": params.get("TagFilters", [])}
    body = json.dumps(asked).encode()
    environ = request.environ | {
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    }
    copy = Request(environ, request.method, request.path, request.service, request.region)
    response = app.services.call(copy)
    if response.status != 200 or not isinstance(response.body, bytes):
        raise AwsError("InternalServiceException", "The other services did not answer", 500)
    found: list[dict[str, Any]] = json.loads(response.body)["ResourceTagMappingList"]
    return found
