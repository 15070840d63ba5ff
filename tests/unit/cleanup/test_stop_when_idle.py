"""include/cleanup/stop_when_idle.py against a Jupyter that says what it is told to."""

from __future__ import annotations

import json
import runpy
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

HOUR = timedelta(hours=1)


@contextmanager
def jupyter(pages: dict[str, Any]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(pages[self.path]).encode())

        def log_message(self, *args: Any) -> None:
            """Not to the test's output."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def at(ago: timedelta) -> str:
    return (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.parametrize(
    ("kernels", "terminals", "up", "stops"),
    [
        ([], [], 5 * HOUR, True),
        ([], [], HOUR / 2, False),
        ([("idle", 2 * HOUR)], [], 5 * HOUR, True),
        ([("idle", HOUR / 4), ("idle", 2 * HOUR)], [], 5 * HOUR, False),
        ([("busy", 2 * HOUR)], [], 5 * HOUR, False),
        ([], [HOUR / 4], 5 * HOUR, False),
    ],
)
def test_it_stops_after_an_hour_in_which_nothing_was_done(
    repository: Path,
    tmp_path: Path,
    kernels: list[tuple[str, timedelta]],
    terminals: list[timedelta],
    up: timedelta,
    stops: bool,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    metadata, uptime = tmp_path / "metadata.json", tmp_path / "uptime"
    metadata.write_text('{"ResourceName": "lab"}')
    uptime.write_text(f"{up.total_seconds()} 1.0")
    script = repository / "include" / "cleanup" / "stop_when_idle.py"
    pages = {
        "/api/sessions": [
            {"kernel": {"execution_state": state, "last_activity": at(ago)}}
            for state, ago in kernels
        ],
        "/api/terminals": [{"last_activity": at(ago)} for ago in terminals],
    }
    with jupyter(pages) as url:
        options = [
            *("--url", url, "--metadata", str(metadata), "--uptime", str(uptime)),
            *("--stop", "echo stopping"),
        ]
        monkeypatch.setattr(sys, "argv", [str(script), *options])
        runpy.run_path(str(script), run_name="__main__")
    assert ("stopping lab" in capfd.readouterr().out) == stops
