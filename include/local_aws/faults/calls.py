"""What faults do to a call: make it wait, answer it with an error, or drop its connection."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import botocore.exceptions
from botocore.model import OperationModel

from local_aws import protocol
from local_aws.errors import AwsError
from local_aws.faults.names import SERVICES
from local_aws.faults.plan import Faults
from local_aws.faults.rules import Rule
from local_aws.http import Request

ERROR_FAULTS = ("throttle", "error", "s3-error")
DELAY_FAULTS = ("slow", "s3-slow")

Answer = tuple[str, str, int]

#: (error, protocol) -> code, message and status. The messages are the services' own, as clients
#: show them; those of ServiceUnavailable are unverified.
ERRORS: Mapping[tuple[str, str], Answer] = {
    ("throttle", "json"): ("ThrottlingException", "Rate exceeded", 400),
    ("throttle", "query"): ("Throttling", "Rate exceeded", 400),
    ("throttle", "s3"): ("SlowDown", "Please reduce your request rate.", 503),
    **{
        ("InternalFailure", form): (
            "InternalFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
            500,
        )
        for form in ("json", "query")
    },
    **{
        (error, "s3"): (
            "InternalError",
            "We encountered an internal error. Please try again.",
            500,
        )
        for error in ("InternalFailure", "InternalError")
    },
    **{
        ("ServiceUnavailable", form): (
            "ServiceUnavailable",
            "The request has failed due to a temporary failure of the server.",
            503,
        )
        for form in ("json", "query", "s3")
    },
    ("ExpiredTokenException", "json"): (
        "ExpiredTokenException",
        "The security token included in the request is expired",
        400,
    ),
    ("ExpiredTokenException", "query"): (
        "ExpiredToken",
        "The security token included in the request is expired",
        403,
    ),
    **{
        (error, "s3"): ("ExpiredToken", "The provided token has expired.", 400)
        for error in ("ExpiredTokenException", "ExpiredToken")
    },
    ("SlowDown", "s3"): ("SlowDown", "Please reduce your request rate.", 503),
    ("AccessDenied", "s3"): ("AccessDenied", "Access Denied", 403),
}


class Dropped(ConnectionResetError):
    """The connection is to be closed without an answer."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "dropped by a fault")


@contextmanager
def suffered(faults: Faults, request: Request) -> Iterator[None]:
    """Let a call happen inside the block, as far as the faults let it.

    Raises `AwsError` or `Dropped`, before the call or after it took effect.
    """
    if not faults.holds(*ERROR_FAULTS, *DELAY_FAULTS):
        yield
        return
    facts = facts_of(request)
    time.sleep(sum(rule["delay"] for rule in _drawn(faults, DELAY_FAULTS, facts)))
    rule = next(_drawn(faults, ERROR_FAULTS, facts), None)
    error = rule and ("throttle" if rule.fault == "throttle" else rule["error"])
    if error == "drop-before":
        raise Dropped
    if error and error != "drop-after":
        code, message, status = ERRORS[error, _form(request)]
        raise AwsError(code, message, status)
    try:
        yield
    finally:
        if error:
            raise Dropped


def _drawn(faults: Faults, kinds: Sequence[str], facts: dict[str, Any]) -> Iterator[Rule]:
    """A rule of each kind that strikes the call; those of S3 strike its calls alone."""
    subject = f"{facts['service']}/{facts['operation']}"
    for kind in kinds:
        if facts["service"] == "s3" or not kind.startswith("s3-"):
            rule = faults.draw(kind, subject, **facts)
            if rule:
                yield rule


def facts_of(request: Request) -> dict[str, Any]:
    """What rules can be limited to: the service and operation in boto3's words, the region, and an
    S3 call's bucket and key."""
    service = SERVICES.get(request.service, request.service)
    if service == "sagemaker" and not request.header("X-Amz-Target"):
        service = "sagemaker-runtime"
    facts = {"service": service, "operation": operation_of(request, service)}
    if service == "s3":
        bucket, _, key = request.path.lstrip("/").partition("/")
        facts |= {"bucket": bucket, "key": key}
    return facts | {"region": request.region}


def operation_of(request: Request, service: str) -> str:
    """The name of the operation that a request calls; "" when nothing tells."""
    if target := request.header("X-Amz-Target"):
        return target.rpartition(".")[2]
    if "/operation/" in request.path:
        return request.path.rpartition("/")[2]
    if action := request.query.get("Action"):
        return action[0]
    if _form(request) == "query":
        form = parse_qs(request.read().decode("utf-8", "replace"))
        return form.get("Action", [""])[0]
    try:
        operations = _rest_operations(service)
    except botocore.exceptions.UnknownServiceError:
        return ""
    return next((name for name, fits in operations if fits(request)), "")


@cache
def _rest_operations(service: str) -> list[tuple[str, Callable[[Request], bool]]]:
    """The operations of a REST service with what tells a request of theirs, most telling first."""
    model = protocol.service_model(service)
    operations = [model.operation_model(name) for name in model.operation_names]
    operations = [operation for operation in operations if operation.http.get("requestUri")]
    operations.sort(key=lambda operation: -_telling(operation))
    return [(operation.name, _test(operation)) for operation in operations]


def _parts(operation: OperationModel) -> tuple[list[str], set[str], set[str]]:
    """The segments of an operation's path, and the query parameters and headers it must have."""
    path, _, query = operation.http["requestUri"].partition("?")
    shape = operation.input_shape
    needed = [shape.members[name] for name in shape.required_members] if shape else []
    places = [(m.serialization.get("location"), m.serialization.get("name")) for m in needed]
    parameters = {part for part in query.split("&") if part}
    parameters |= {str(name) for where, name in places if where == "querystring"}
    headers = {str(name) for where, name in places if where == "header"}
    return [s for s in path.split("/") if s], parameters, headers


def _telling(operation: OperationModel) -> int:
    segments, parameters, headers = _parts(operation)
    literal = sum(not segment.startswith("{") for segment in segments)
    return 100 * literal + len(parameters) + len(headers)


def _test(operation: OperationModel) -> Callable[[Request], bool]:
    method = operation.http["method"]
    segments, parameters, headers = _parts(operation)

    def fits(request: Request) -> bool:
        if request.method != method or not _path_fits(segments, request.path):
            return False
        query = request.query
        asked = (parameter.partition("=") for parameter in parameters)
        return all(
            name in query and value in ("", *query[name]) for name, _, value in asked
        ) and all(request.header(name) is not None for name in headers)

    return fits


def _path_fits(segments: list[str], path: str) -> bool:
    given = [part for part in path.split("/") if part]
    greedy = bool(segments) and segments[-1].endswith("+}")
    if len(given) < len(segments) or (len(given) > len(segments) and not greedy):
        return False
    return all(s.startswith("{") or s == g for s, g in zip(segments, given, strict=False))


def _form(request: Request) -> str:
    """How a request's service writes its errors: `s3`, `query` or `json`."""
    if request.service == "s3":
        return "s3"
    content_type = request.header("Content-Type") or ""
    form = content_type.startswith("application/x-www-form-urlencoded")
    return "query" if form or "Action" in request.query else "json"
