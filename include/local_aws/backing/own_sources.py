"""PutEvents without the sources that are AWS's own, which AWS lets nobody else use."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

from local_aws.http import Request, Response

REFUSED = {
    "ErrorCode": "NotAuthorizedForSourceException",
    "ErrorMessage": "Not authorized for the source.",
}


def put_events(request: Request, dispatch: Callable[[Request], Response]) -> Response:
    """Refuse the entries from `aws.*` and let moto answer for the others, in their order."""
    body = json.loads(request.read())
    entries: list[dict[str, Any]] = body.get("Entries", [])
    refused = [str(entry.get("Source", "")).startswith("aws.") for entry in entries]
    if not any(refused):
        return dispatch(request)
    allowed = [entry for entry, no in zip(entries, refused, strict=True) if not no]
    results, failed = [], 0
    if allowed:
        content = json.dumps({**body, "Entries": allowed}).encode()
        environ = request.environ | {
            "wsgi.input": io.BytesIO(content),
            "CONTENT_LENGTH": str(len(content)),
        }
        answer = dispatch(
            Request(environ, request.method, request.path, request.service, request.region)
        )
        if answer.status != 200 or not isinstance(answer.body, bytes):
            return answer
        answered = json.loads(answer.body)
        results, failed = answered["Entries"], answered["FailedEntryCount"]
    left = iter(results)
    merged = [REFUSED if no else next(left) for no in refused]
    payload = {"FailedEntryCount": failed + sum(refused), "Entries": merged}
    headers = [("Content-Type", "application/x-amz-json-1.1")]
    return Response(200, headers, json.dumps(payload).encode())
