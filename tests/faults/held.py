"""A job's program that goes on until the file `release` appears in a folder, where it leaves `started`.

The folder is its argument, or else in the file `folder` of the model archive: so it plays the images'
compile and serve programs. As a server it answers /ping from the release on.
"""

from __future__ import annotations

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

BASE = Path(os.environ["SAGEMAKER_BASE_DIR"])
PORT = os.environ.get("SAGEMAKER_BIND_TO_PORT")


class Healthy(BaseHTTPRequestHandler):
    """Answers every GET, so /ping too, with 200."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


def folder() -> Path:
    """Where `started` and `release` are."""
    if sys.argv[1:]:
        return Path(sys.argv[1])
    model = BASE / "model" if PORT else BASE / "input" / "model"
    return Path((model / "folder").read_text())


if __name__ == "__main__":
    held = folder()
    (held / "started").touch()
    while not (held / "release").exists():
        time.sleep(0.05)
    if PORT:
        HTTPServer(("127.0.0.1", int(PORT)), Healthy).serve_forever()
    if (compiled := BASE / "output" / "compiled").exists():
        (compiled / "model").touch()
