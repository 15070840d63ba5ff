"""Stops the notebook instance that it runs on once no kernel and no terminal did anything for a while.

Run by cron on the instance, whose system Python is 3.7 on Amazon Linux 2: the standard library alone. Jupyter answers
on https://localhost:8443 there, and the instance's name is in /opt/ml/metadata/resource-metadata.json
(docs.aws.amazon.com/sagemaker/latest/dg/nbi-metadata.html). Not run on an instance of AWS yet.
"""

from __future__ import annotations

import argparse
import json
import ssl
import subprocess
import sys
import time
from datetime import datetime
from http.client import OK, HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

METADATA = "/opt/ml/metadata/resource-metadata.json"


def main() -> None:
    """Ask Jupyter what it does, and stop the instance if that is nothing."""
    options = _options()
    idle = min(_seconds_idle(options.url), _seconds_up(options.uptime))
    sys.stdout.write(f"idle for {idle:.0f} s\n")
    if idle >= options.idle_seconds:
        name = json.loads(options.metadata.read_text())["ResourceName"]
        subprocess.run([*options.stop.split(), name], check=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle-seconds", type=float, default=3600.0)
    parser.add_argument("--url", default="https://localhost:8443")
    parser.add_argument("--metadata", type=Path, default=METADATA)
    parser.add_argument("--uptime", type=Path, default="/proc/uptime")
    parser.add_argument(
        "--stop", default="aws sagemaker stop-notebook-instance --notebook-instance-name"
    )
    return parser.parse_args()


def _seconds_idle(url: str) -> float:
    """Since the last thing that a kernel or a terminal did; endless when there is none."""
    kernels = [session["kernel"] for session in _get(url, "/api/sessions")]
    if any(kernel["execution_state"] != "idle" for kernel in kernels):
        return 0.0
    times = [item["last_activity"] for item in kernels + _get(url, "/api/terminals")]
    return min((time.time() - _timestamp(text) for text in times), default=float("inf"))


def _seconds_up(path: Path) -> float:
    return float(path.read_text().split()[0])


def _get(url: str, path: str) -> list[dict[str, Any]]:
    """Jupyter's certificate is the instance's own, and the connection never leaves it."""
    place = urlsplit(url)
    connection = HTTPConnection(str(place.hostname), place.port, timeout=30)
    if place.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = HTTPSConnection(str(place.hostname), place.port, timeout=30, context=context)
    connection.request("GET", path)
    answer = connection.getresponse()
    if answer.status != OK:
        raise OSError(f"{url}{path} answers {answer.status}")
    found: list[dict[str, Any]] = json.load(answer)
    return found


def _timestamp(text: str) -> float:
    moment = datetime.strptime(text[:19] + "+0000", "%Y-%m-%dT%H:%M:%S%z")
    return moment.timestamp()


if __name__ == "__main__":
    main()
