"""Every service that is not ours, answered by moto in this process.

moto is called below its own server: path to handler directly, without Flask. What a request changed
is on disk before it is answered, lines of logs aside.
"""

from __future__ import annotations

import importlib
import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import moto.backends
from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY
from moto.core.request import Request as WerkzeugRequest
from moto.core.utils import convert_regex_to_flask_path
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, Map, Rule

from local_aws import ACCOUNT
from local_aws.backing import log_retention
from local_aws.backing.downloads import stream_object
from local_aws.backing.objects import ObjectStore
from local_aws.backing.own_sources import put_events
from local_aws.backing.snapshots import Snapshots
from local_aws.errors import unknown_operation
from local_aws.http import Request, Response

# What the local AWS lets through to moto. Anything else is refused by name.
SERVED = frozenset(
    (
        *("s3", "sqs", "sns", "events", "scheduler", "iam", "sts", "logs"),
        *("ecr", "kms", "ssm", "secretsmanager"),
    )
)

# Where moto looks for the spelling that a header had before WSGI.
ORIGINAL_NAMES: str = PRESERVED_HEADER_NAMES_ENVIRON_KEY

_READS = re.compile(r"(Get|List|Describe|Head|Lookup|Filter|Test|Simulate)")
# What a client does not notice when a kill undoes it: a message is there again, as SQS says that it may be.
_FORGETTABLE = frozenset({"ReceiveMessage"})
_BODY_READS = frozenset({"GET", "HEAD", "OPTIONS"})
Handler = Callable[[Any, str, Any], Any]


class _GatewayRequest(WerkzeugRequest):
    from_wsgi_server = True


class _Regex(BaseConverter):
    part_isolating = False

    def __init__(self, url_map: Map, regex: str) -> None:
        super().__init__(url_map)
        self.regex = regex


class Services:
    """moto's services behind one door: `call` answers a request whose service is in `SERVED`."""

    def __init__(self, objects: ObjectStore, snapshots: Snapshots) -> None:
        self._objects = objects
        self._snapshots = snapshots
        self._maps: dict[str, Map] = {}
        self._lock = threading.Lock()

    def call(self, request: Request) -> Response:
        """Answer with moto; S3 reads of whole objects are streamed from their files."""
        if request.service not in SERVED:
            raise unknown_operation(request.service, _action(request) or request.method)
        if request.service == "s3":
            return self._call_s3(request)
        action = _action(request) or ""
        if (request.service, action) == ("logs", "PutRetentionPolicy"):
            log_retention.check(request)
        if (request.service, action) == ("events", "PutEvents"):
            response = put_events(request, self._dispatch)
        else:
            response = self._dispatch(request)
        if action in _FORGETTABLE:
            self._snapshots.touch(request.service)
        elif not _READS.match(action):
            self._snapshots.save(request.service)
        return response

    def _call_s3(self, request: Request) -> Response:
        if streamed := stream_object(request, self._objects, self._dispatch):
            return streamed
        changes = request.method not in _BODY_READS
        deleted = _deleted_keys(request) if changes and "delete" in request.query else []
        response = self._dispatch(request)
        bucket, _, key = request.path.lstrip("/").partition("/")
        if changes and bucket:
            for name in deleted or ([key] if key else []):
                self._objects.commit_object(bucket, name)
            if not key and not deleted:
                self._objects.commit_bucket(bucket)
            self._snapshots.touch("sqs")
        return response

    def _dispatch(self, request: Request) -> Response:
        environ = request.environ
        environ.setdefault("RAW_URI", environ.get("REQUEST_URI") or request.path)
        asked = _GatewayRequest(environ)
        try:
            handler = self._handler(request.service, request.path)
            result = handler(asked, asked.raw_url, dict(asked.headers))
        except HTTPException as error:
            return _from_werkzeug(error, environ)
        except NotImplementedError as error:
            name = _action(request) or request.method
            raise unknown_operation(request.service, name) from error
        finally:
            environ.pop("werkzeug.request", None)  # a cycle that would keep the body for long
        status, headers, content = result if len(result) == 3 else (200, {}, result)
        return _to_response(status, dict(headers), content)

    def _handler(self, service: str, path: str) -> Handler:
        with self._lock:
            urls = self._maps.get(service)
            if urls is None:
                urls = self._maps[service] = _url_map(service)
        try:
            endpoint, _ = urls.bind("localhost").match(path, method="GET")
        except (NotFound, MethodNotAllowed) as error:
            raise NotImplementedError(path) from error
        handler: Handler = endpoint
        return handler


def _url_map(module: str) -> Map:
    backends: Any = moto.backends.get_backend(module)  # type: ignore[call-overload]
    account = backends[ACCOUNT]
    backend = account["us-east-1"] if "us-east-1" in account else account["aws"]
    rules = [
        Rule(convert_regex_to_flask_path(path), endpoint=handler, strict_slashes=False)
        for path, handler in backend.url_paths.items()
        if convert_regex_to_flask_path(path)
    ]
    return Map(rules, converters={"regex": _Regex}, merge_slashes=False)


def _action(request: Request) -> str | None:
    """The operation's name, from X-Amz-Target or from a query protocol's Action."""
    if target := request.header("X-Amz-Target"):
        return target.rpartition(".")[2]
    if "Action" in request.query:
        return request.query["Action"][0]
    if (request.header("Content-Type") or "").startswith("application/x-www-form-urlencoded"):
        found = re.search(rb"(?:^|&)Action=(\w+)", request.read())
        return found.group(1).decode() if found else None
    if "/operation/" in request.path:
        return request.path.rpartition("/")[2]
    return None


def _deleted_keys(request: Request) -> list[str]:
    root = ET.fromstring(request.read())
    return [e.text or "" for e in root.iter() if e.tag.rpartition("}")[2] == "Key"]


def _from_werkzeug(error: HTTPException, environ: dict[str, Any]) -> Response:
    answer = error.get_response(environ)
    body = b"".join(answer.iter_encoded())
    return Response(answer.status_code, list(answer.headers.items()), body)


def _to_response(status: int, headers: dict[str, Any], content: Any) -> Response:
    body = content.encode() if isinstance(content, str) else bytes(content or b"")
    pairs = [(str(name), str(value)) for name, value in headers.items()]
    return Response(status, pairs, body)


def preload(services: tuple[str, ...] = ("sqs", "events", "logs", "sns")) -> None:
    """Import what the first job will need, so that no client waits for it."""
    for service in services:
        importlib.import_module(f"moto.{service}.responses")
