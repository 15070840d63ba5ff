"""What handlers in AWS's XGBoost image may use of Flask: the headers of the request that is being served.

There ``flask.request`` is that request, as sagemaker-containers 2.8.6 serves with a Flask application; here
``serve.py`` puts this module in Flask's place while none is installed.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from _http import Handler, Request, Response

_serving = threading.local()


class _Request:
    @property
    def headers(self) -> Mapping[str, str]:
        """Raises RuntimeError outside of a request, as Flask does."""
        if not has_request_context():
            raise RuntimeError("Working outside of request context.")
        found: Mapping[str, str] = _serving.headers
        return found


request = _Request()


def has_request_context() -> bool:
    """Whether this thread serves a request."""
    return hasattr(_serving, "headers")


def in_request_context(handle: Handler) -> Handler:
    """The handler, called as from a Flask application."""

    def handled(asked: Request) -> Response:
        _serving.headers = asked.headers
        try:
            return handle(asked)
        finally:
            del _serving.headers

    return handled
