"""Connections to a container that are kept for the next request."""

from __future__ import annotations

import http.client
import queue
import socket
import sys

Asked = tuple[str, str, bytes, dict[str, str]]
Answered = tuple[int, dict[str, str], bytes]


class Timeout(Exception):
    """The container did not answer in time."""


class Connections:
    """Keep-alive connections to one loopback port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()

    def exchange(self, asked: Asked, timeout: float) -> Answered:
        """Status, headers and body for (method, path, body, headers); a stale connection is replaced
        once.

        Raises `Timeout` after `timeout` seconds, or `OSError`.
        """
        try:
            connection, reused = self._idle.get_nowait(), True
        except queue.Empty:
            connection, reused = self._connect(timeout), False
        try:
            try:
                answer = _exchange(connection, asked, timeout)
            except (ConnectionError, http.client.BadStatusLine):
                if not reused:
                    raise
                connection.close()
                connection = self._connect(timeout)
                answer = _exchange(connection, asked, timeout)
        except TimeoutError as error:
            connection.close()
            raise Timeout from error
        except http.client.HTTPException as error:
            connection.close()
            raise ConnectionError(str(error)) from error
        self._idle.put(connection)
        return answer

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def close(self) -> None:
        """Close those that are idle."""
        while not self._idle.empty():
            self._idle.get_nowait().close()


def _exchange(connection: http.client.HTTPConnection, asked: Asked, timeout: float) -> Answered:
    if connection.sock:
        connection.sock.settimeout(timeout)
    connection.request(*asked)
    response = connection.getresponse()
    return response.status, dict(response.getheaders()), response.read()


def answers_ping(port: int) -> bool:
    """Whether the container on a port answers GET /ping with 200."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/ping")
        healthy = connection.getresponse().status == 200
        connection.close()
    except (OSError, http.client.HTTPException):
        return False
    return healthy


class HeldPort:
    """A loopback port that is nobody else's until it is released.

    What holds it does not listen, which on Linux lets a server that reuses addresses (SO_REUSEADDR, as HTTP
    servers do) listen there meanwhile. Elsewhere it is only a port that was free a moment ago.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]
        if sys.platform != "linux":
            self.release()

    def release(self) -> None:
        """Let others have it, whoever listens there aside."""
        self._socket.close()
