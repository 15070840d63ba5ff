"""The HTTP server: loopback only, or a private address when the caller says so."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

from cheroot.workers.threadpool import ThreadPool
from cheroot.wsgi import Gateway_10, Server

from local_aws.app import App
from local_aws.backing.services import ORIGINAL_NAMES, preload
from local_aws.config import Config
from local_aws.gateway import Gateway

log = logging.getLogger(__name__)

THREADS = 16


class RefusedAddress(Exception):
    """An address that others could reach: jobs run whatever code a request names."""


def check_address(host: str, allow_private: bool) -> None:
    """Raise `RefusedAddress` unless `host` is loopback, or private and that is allowed."""
    addresses = {info[4][0] for info in socket.getaddrinfo(host, None)}
    for text in addresses:
        address = ipaddress.ip_address(str(text).partition("%")[0])
        private = address.is_private and not address.is_unspecified
        if not address.is_loopback and not (allow_private and private):
            raise RefusedAddress(
                f"The local AWS binds loopback addresses, not {host} ({address}): it runs whatever "
                "code a request names. --private-network allows a private address, for the inside "
                "of a container network"
            )


class _KeepNames(Gateway_10):
    """Tells apart S3's user metadata `my_key` and `my-key`, which WSGI does not."""

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        names = (name.decode("latin-1").lower() for name in self.req.inheaders)
        environ[ORIGINAL_NAMES] = {
            "HTTP_" + name.upper().replace("-", "_"): name
            for name in names
            if "_" in name and name.startswith("x-amz-meta-")
        }
        return environ


def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; writes `<state>/local-aws.pid` and a line once ready."""
    app = App(config)
    app.start()
    server = Server((config.host, config.port), Gateway(app), numthreads=THREADS)
    server.requests = ThreadPool(server, min=THREADS, max=128)
    server.gateway = _KeepNames
    server.timeout = 120
    server.request_queue_size = 256
    server.prepare()
    pid_file = config.state / "local-aws.pid"
    pid_file.write_text(f"{os.getpid()}\n")

    def stop(*_: object) -> None:
        threading.Thread(target=server.stop, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"The local AWS is ready on http://{config.host}:{config.port}", flush=True)
    threading.Thread(target=preload, daemon=True).start()
    try:
        server.serve()
    finally:
        app.close()
        pid_file.unlink(missing_ok=True)


def pid_of(state: Path) -> int | None:
    """The process that serves from a state directory, if it is alive."""
    try:
        pid = int((state / "local-aws.pid").read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid
