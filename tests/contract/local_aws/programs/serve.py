"""A model server for tests: answers with the sum of each CSV row, and misbehaves when asked to.

Environment: FAIL=1 never answers /ping, SLOW_START=<seconds> is late with it, START_WHEN=<path> does not answer it
before there is such a file, BROKEN=1 answers every invocation with a server error, MEGABYTES=<number> holds that
much memory in each of PROCESSES=<number>.

Bodies: `boom` is a server error, `bad` a client error, `until <path>` makes a file <path>.asked and
answers when there is a file <path>, `die` ends the process.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def await_file(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.05)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(500 if os.environ.get("FAIL") else 200, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if body == "boom" or os.environ.get("BROKEN"):
            self._answer(500, b"it went wrong")
        elif body == "bad":
            self._answer(400, b"not a row")
        elif body == "die":
            os._exit(1)
        elif body.startswith("until "):
            path = body.split()[1]
            Path(f"{path}.asked").touch()
            await_file(path)
            self._answer(200, b"late")
        else:
            rows = [sum(map(float, line.split(","))) for line in body.splitlines()]
            model = (Path(os.environ["SAGEMAKER_BASE_DIR"]) / "model" / "name").read_text()
            self._answer(200, f"{model}:{','.join(map(str, rows))}".encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/csv; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


if os.environ.get("FAIL"):
    print("refusing to start")
    sys.exit(1)
held = b"x" * (int(os.environ.get("MEGABYTES", "0")) << 20)
for _ in range(1, int(os.environ.get("PROCESSES", "1"))):
    if not os.fork():
        signal.pause()
time.sleep(float(os.environ.get("SLOW_START", "0")))
if "START_WHEN" in os.environ:
    await_file(os.environ["START_WHEN"])
ThreadingHTTPServer(
    ("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler
).serve_forever()
