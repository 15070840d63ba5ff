"""Ports for servers that tests start: nobody else's, also while the server is down."""

from __future__ import annotations

import socket


def hold_port() -> socket.socket:
    """A socket that holds a loopback port until it is closed; its server, which reuses addresses, can listen there."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held
