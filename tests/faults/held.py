"""A job's program that goes on until the file `release` appears in a folder, where it leaves `started`.

The folder is its argument, or else in the file `folder` of the model archive: so it plays the images'
compile and serve programs. As a server it is held at its start, so that /ping fails until then, or at its
invocations, as HELD_AT says. A release that holds "fail" makes it end as a failure.
"""

from __future__ import annotations

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BASE = Path(os.environ["SAGEMAKER_BASE_DIR"])
PORT = os.environ.get("SAGEMAKER_BIND_TO_PORT")


AT_START = os.environ.get("HELD_AT", "start") == "start"


class Healthy(BaseHTTPRequestHandler):
    """Answers everything, so /ping too, with 200 and nothing; invocations when they may end."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.command == "POST" and not AT_START:
            wait(folder())
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815


def folder() -> Path:
    """Where `started` and `release` are."""
    if sys.argv[1:]:
        return Path(sys.argv[1])
    model = BASE / "model" if PORT else BASE / "input" / "model"
    return Path((model / "folder").read_text())


def wait(held: Path) -> None:
    """Be at work until the release; ends the process as a failure when that says so."""
    (held / "started").touch()
    release = held / "release"
    while not release.exists():
        time.sleep(0.05)
    if release.read_text() == "fail":
        if (BASE / "output").is_dir():
            (BASE / "output" / "failure").write_text("ClientError: told to fail")
        sys.stderr.write("told to fail\n")
        os._exit(1)


if __name__ == "__main__":
    if AT_START:
        wait(folder())
    if PORT:
        ThreadingHTTPServer(("127.0.0.1", int(PORT)), Healthy).serve_forever()
    if (compiled := BASE / "output" / "compiled").exists():
        (compiled / "model").touch()
