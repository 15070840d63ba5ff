"""EC2's query protocol: parameters out of a form, answers as XML, both by the service's own model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from moto.core.parse import EC2QueryParser
from moto.core.serialize import EC2Serializer
from moto.core.utils import get_service_model

from local_aws.app import App
from local_aws.ec2 import spot
from local_aws.errors import AwsError, unknown_operation
from local_aws.http import Request, Response
from local_aws.protocol import to_epoch
from local_aws.validation import check

Handler = Callable[[spot.Market, str, dict[str, Any]], dict[str, Any]]

OPERATIONS: Mapping[str, Handler] = {
    "DescribeSpotPriceHistory": spot.price_history,
    "GetSpotPlacementScores": spot.placement_scores,
}


def answer(app: App, request: Request) -> Response:
    """Answer one call. Raises AwsError; what is not in OPERATIONS is refused by name."""
    form = dict(parse_qsl(request.read().decode(), keep_blank_values=True))
    name = form.get("Action", "")
    handler = OPERATIONS.get(name)
    if handler is None:
        raise unknown_operation("ec2", name or f"{request.method} {request.path}")
    operation = get_service_model("ec2").operation_model(name)
    try:
        parser: Any = EC2QueryParser(operation, timestamp_parser=to_epoch)
        params = parser.parse({"values": form})
        check(params, operation.input_shape)
    except ValueError as error:
        raise AwsError("InvalidParameterValue", str(error)) from error
    except AwsError as error:
        raise AwsError("InvalidParameterValue", error.message) from error
    if params.get("DryRun"):
        text = "Request would have succeeded, but DryRun flag is set."
        raise AwsError("DryRunOperation", text, 412)
    market = spot.Market(app.config.seed or 0)
    serialized = EC2Serializer(operation).serialize(handler(market, request.region, params))
    headers = [("Content-Type", "text/xml;charset=UTF-8")]
    return Response(200, headers, str(serialized["body"]).encode())
