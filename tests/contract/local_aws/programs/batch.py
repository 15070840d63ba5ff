"""A model server for batch transform: the sum of each row, CSV or JSON, on a line of its own.

Environment: PARAMETERS is its answer to /execution-parameters, FAIL=1 ends it. Lines: `boom` is a
server error, `bad` a client error, `once` a server error the first time, `sleep <seconds>` answers
late; words are no part of a sum.
"""

from __future__ import annotations

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen: set[str] = set()


def total(line: str) -> str:
    if line.startswith("["):
        return str(float(sum(json.loads(line))))
    numbers = [word for word in line.split(",") if word.replace(".", "").isdigit()]
    return str(float(sum(map(float, numbers))))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/ping":
            self._answer(200, b"")
        elif "PARAMETERS" in os.environ:
            self._answer(200, os.environ["PARAMETERS"].encode())
        else:
            self._answer(404, b"")

    def do_POST(self) -> None:
        lines = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
        print(f"batch of {len(lines)} lines, SAGEMAKER_BATCH={os.environ['SAGEMAKER_BATCH']}")
        words = set(lines)
        if "boom" in words or ("once" in words and "once" not in seen):
            seen.update(words)
            self._answer(500, b"it went wrong")
        elif "bad" in words:
            self._answer(400, b"not a row")
        else:
            for line in lines:
                if line.startswith("sleep "):
                    time.sleep(float(line.split()[1]))
            self._answer(200, "\n".join(map(total, lines)).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


if os.environ.get("FAIL"):
    sys.exit(1)
ThreadingHTTPServer(
    ("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler
).serve_forever()
