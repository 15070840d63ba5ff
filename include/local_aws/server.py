"""The HTTP server: loopback only, or a private address when the caller says so."""

from __future__ import annotations

import fcntl
import ipaddress
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cheroot.workers.threadpool import ThreadPool
from cheroot.wsgi import Gateway_10, Server

from local_aws.app import App
from local_aws.backing.services import ORIGINAL_NAMES, preload
from local_aws.config import Config
from local_aws.gateway import Gateway

log = logging.getLogger(__name__)

# Long polls and slow models hold one each.
THREADS = 48


class RefusedAddress(Exception):
    """An address that others could reach: jobs run whatever code a request names."""


class StateInUse(Exception):
    """Another process serves from the state directory."""


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

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        names = (name.decode("latin-1").lower() for name in self.req.inheaders)
        environ[ORIGINAL_NAMES] = {
            "HTTP_" + name.upper().replace("-", "_"): name
            for name in names
            if "_" in name and name.startswith("x-amz-meta-")
        }
        return environ


def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; prints a line once ready.

    Meanwhile `<state>/local-aws.pid` holds this process's id and, once it can be asked,
    `<state>/local-aws.port` its port; a kill leaves both behind.

    Raises `StateInUse` when another process serves from the same state.
    """
    with exclusive(config.state):
        _serve(config)


def _serve(config: Config) -> None:
    app = App(config)
    app.start()
    server = Server((config.host, config.port), Gateway(app), numthreads=THREADS)
    server.requests = ThreadPool(server, min=THREADS)
    server.gateway = _KeepNames
    server.timeout = 120
    server.request_queue_size = 256
    server.prepare()

    def stop(*_: object) -> None:
        threading.Thread(target=server.stop, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    port_file = config.state / "local-aws.port"
    port_file.write_text(f"{config.port}\n")
    print(f"The local AWS is ready on http://{config.host}:{config.port}", flush=True)
    threading.Thread(target=preload, daemon=True).start()
    try:
        server.serve()
    finally:
        port_file.unlink(missing_ok=True)
        app.close()


@contextmanager
def exclusive(state: Path) -> Iterator[None]:
    """Hold a state directory: a lock that ends with the process, and its pid to read."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "local-aws.pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            pid = file.read().strip()
            raise StateInUse(f"Process {pid} already serves from {state}") from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)
