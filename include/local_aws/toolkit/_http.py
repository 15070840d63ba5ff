"""The HTTP server of a model container: GET /ping and what the container serves, HTTP/1.1, keep-alive."""

from __future__ import annotations

import json
import os
import signal
import socketserver
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import NamedTuple


class Request(NamedTuple):
    """One invocation: the raw body, two headers with the image's defaults, and all headers as they came."""

    body: bytes
    content_type: str
    accept: str
    headers: Mapping[str, str] = MappingProxyType({})


class Response(NamedTuple):
    """Answer to one invocation."""

    body: bytes
    content_type: str
    status: int = 200


Handler = Callable[[Request], Response]

Router = Callable[[str, str, Request], "Response | None"]
"""What answers to a method, a path and a request; None where there is nothing."""


def error_response(error: BaseException, status: int) -> Response:
    """The JSON that SageMaker's toolkits answer with when they refuse a request."""
    body = {
        "error": type(error).__name__,
        "error-message": str(error),
        "stack-trace": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }
    return Response(json.dumps(body).encode(), "application/json", status)


def invocations(handler: Handler) -> Router:
    """Serves POST /invocations alone, one request at a time, as one worker of AWS's images does
    (gunicorn with gevent): a handler need not be thread safe."""
    one_at_a_time = threading.Lock()

    def route(method: str, path: str, request: Request) -> Response | None:
        if (method, path) != ("POST", "/invocations"):
            return None
        with one_at_a_time:
            return handler(request)

    return route


def serve(router: Router) -> None:
    """Answer until SIGTERM on 127.0.0.1 and the port in ``SAGEMAKER_BIND_TO_PORT`` (8080; 0 is any that is free).

    Connections have a thread each. ``/ping`` never waits for a handler. An exception of the router is
    a 500 that shows its traceback.
    """
    default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json")

    class Connection(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            if self.path == "/ping":
                self._answer(Response(b"", "text/plain", 200))
            else:
                self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_DELETE(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            accept = self.headers.get("Accept")
            request = Request(
                body,
                self.headers.get("Content-Type") or "application/json",
                default_accept if accept in (None, "", "*/*") else str(accept),
                dict(self.headers.items()),
            )
            response = self._handled(request)
            self._answer(Response(b"", "text/plain", 404) if response is None else response)

        def _handled(self, request: Request) -> Response | None:
            try:
                return router(self.command, self.path, request)
            except Exception as error:
                traceback.print_exc()
                sys.stderr.flush()
                return error_response(error, 500)

        def _answer(self, response: Response) -> None:
            self.send_response(response.status)
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)
            self.wfile.flush()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Requests are not logged: a ping comes every few seconds."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def server_bind(self) -> None:
            socketserver.TCPServer.server_bind(self)
            self.server_name, self.server_port = "localhost", self.server_address[1]

    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    with Server(("127.0.0.1", port), Connection) as server:
        stop = threading.Thread(target=server.shutdown, daemon=True)
        signal.signal(signal.SIGTERM, lambda signum, frame: stop.start())
        print(f"Serving on 127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever(poll_interval=0.2)
