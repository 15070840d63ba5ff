"""The request and the response that every service of the local AWS speaks."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

Environ = dict[str, Any]


@dataclass
class Request:
    """One HTTP request, with the body still unread.

    `region` and `service` come from the SigV4 credential scope; `path` is percent-decoded.
    """

    environ: Environ
    method: str
    path: str
    service: str
    region: str

    def header(self, name: str) -> str | None:
        key = name.upper().replace("-", "_")
        prefix = "" if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_"
        value = self.environ.get(prefix + key)
        return None if value is None else str(value)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)

    def read(self) -> bytes:
        """The whole body; it can be read again."""
        stream = self.environ["wsgi.input"]
        if isinstance(stream, io.BytesIO):
            return stream.getvalue()
        body = b"" if not self._has_body() else bytes(stream.read())
        self.replace(body)
        return body

    def replace(self, body: bytes) -> None:
        """Put another body in place of the one that was sent."""
        self.environ["wsgi.input"] = io.BytesIO(body)
        self.environ["CONTENT_LENGTH"] = str(len(body))

    def _has_body(self) -> bool:
        length = self.environ.get("CONTENT_LENGTH")
        return bool(length and length != "0") or "HTTP_TRANSFER_ENCODING" in self.environ


@dataclass
class Response:
    """Status, headers and body; `body` may be streamed in chunks."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | Iterable[bytes] = b""


def json_response(
    payload: object, status: int = 200, content_type: str = "application/json"
) -> Response:
    body = json.dumps(payload, separators=(",", ":")).encode()
    return Response(status, [("Content-Type", content_type)], body)
