"""The one door: who is asked, by SigV4 scope and path, and the answer in that service's form."""

from __future__ import annotations

import logging
import re
import xml.sax.saxutils
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from local_aws import admin, clock, ec2, protocol, tagging
from local_aws.app import App
from local_aws.autoscaling import operations as autoscaling
from local_aws.cloudwatch import alarm_operations as cloudwatch
from local_aws.errors import AwsError, unknown_operation
from local_aws.faults.calls import Dropped, suffered
from local_aws.http import Environ, Request, Response
from local_aws.sagemaker import HANDLERS, Call, runtime
from local_aws.validation import check

log = logging.getLogger(__name__)

# Virtual-hosted buckets, for clients that are told to use them; boto3 does not by itself.
_BUCKET_HOST = re.compile(r"(?P<bucket>[^:]+)\.(?P<rest>(?:localhost|local-aws)(?::\d+)?)")

# Services of our own, by signing name.
OWN = {
    "monitoring": cloudwatch.SERVICE,
    "application-autoscaling": autoscaling.SERVICE,
    "tagging": tagging.SERVICE,
}


class Gateway:
    """A WSGI application: the whole local AWS."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = parse(environ)
        try:
            response = self._answer(request)
        except AwsError as error:
            response = _failure(request, error)
        except Dropped:
            raise
        except Exception as error:
            log.exception("%s %s", request.method, request.path)
            text = f"The local AWS failed: {type(error).__name__}: {error}"
            response = _failure(request, AwsError("InternalFailure", text, 500))
        headers = [(name, value) for name, value in response.headers]
        if not any(name.lower() == "date" for name, _ in headers):
            headers.append(("Date", formatdate(clock.now(), usegmt=True)))
        if isinstance(response.body, bytes):
            if not any(name.lower() == "content-length" for name, _ in headers):
                headers.append(("Content-Length", str(len(response.body))))
            body: Iterable[bytes] = [] if request.method == "HEAD" else [response.body]
        else:
            body = response.body
        phrase = HTTPStatus(response.status).phrase
        start_response(f"{response.status} {phrase}", headers)
        return body

    def _answer(self, request: Request) -> Response:
        if request.path.startswith("/_local/"):
            return admin.answer(self._app, request)
        with suffered(self._app.faults, request):
            return self._route(request)

    def _route(self, request: Request) -> Response:
        if request.service == "sagemaker" and runtime.matches(request):
            return runtime.answer(self._app, request)
        if request.service == "sagemaker":
            return self._sagemaker(request)
        if request.service == "ec2":
            return ec2.answer(self._app, request)
        if request.service in OWN:
            return OWN[request.service].answer(self._app, request)
        return self._app.services.call(request)

    def _sagemaker(self, request: Request) -> Response:
        name = protocol.operation_name(request)
        handler = HANDLERS.get(name)
        if handler is None:
            raise unknown_operation("sagemaker", name or f"{request.method} {request.path}")
        operation = protocol.service_model("sagemaker").operation_model(name)
        params = protocol.parse_body(request)
        if operation.input_shape:
            check(params, operation.input_shape)
            params = protocol.project(params, operation.input_shape)
        result = handler(Call(self._app, request.region), params)
        return protocol.success(result, operation)


def parse(environ: Environ) -> Request:
    """The request of a WSGI environ. A bucket in the host name moves into the path."""
    query = environ.get("QUERY_STRING", "")
    credential = ""
    if "X-Amz-Credential=" in query:
        credential = unquote(query.partition("X-Amz-Credential=")[2].partition("&")[0])
    service, region = protocol.credential_scope(environ.get("HTTP_AUTHORIZATION", ""), credential)
    host = _BUCKET_HOST.fullmatch(environ.get("HTTP_HOST", ""))
    if service == "s3" and host:
        environ["HTTP_HOST"] = host["rest"]
        for name in ("PATH_INFO", "REQUEST_URI"):
            environ[name] = f"/{host['bucket']}{environ.get(name) or '/'}"
    path = environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace")
    return Request(environ, environ["REQUEST_METHOD"], path, service, region)


def _failure(request: Request, error: AwsError) -> Response:
    """The error in the protocol that the request spoke: XML for S3 and the query services."""
    form = (request.header("Content-Type") or "").startswith("application/x-www-form-urlencoded")
    if request.service != "s3" and not form:
        return protocol.failure(error)
    code, text = (xml.sax.saxutils.escape(t) for t in (error.code, error.message))
    body = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    if request.service != "s3":
        body = f"<Response><Errors>{body}</Errors></Response>"
    return Response(error.status, [("Content-Type", "text/xml")], body.encode())
