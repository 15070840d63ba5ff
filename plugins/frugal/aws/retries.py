"""Calls to AWS that were throttled, lost, or made with old credentials are made again, for minutes.

botocore's own attempts end after about a minute and never renew what a connection holds. What is given to
`insist` must be safe to do twice.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from frugal.aws import clients

T = TypeVar("T")

FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
PATIENCE_SECONDS = 600.0
# Codes in which services say that a caller asks too often or was too slow, with whatever HTTP status.
THROTTLED = frozenset(
    {
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)

log = logging.getLogger(__name__)


def insist(
    action: Callable[[], T],
    seconds: float = PATIENCE_SECONDS,
    *,
    passes: Callable[[Exception], bool] | None = None,
) -> T:
    """What `action` returns, once it does. Raises its error after `seconds`, or when that is none that `passes`:
    when it is not transient.
    """
    passes = passes or is_transient
    deadline = time.monotonic() + seconds
    for wait in waits(FIRST_WAIT, LONGEST_WAIT):
        try:
            return action()
        except Exception as error:
            if not passes(error) or time.monotonic() + wait > deadline:
                raise
            if is_expired(error):
                clients.forget()
            log.warning("No answer, asking again in %.1f s: %s", wait, error)
        time.sleep(wait)
    raise AssertionError("waits() never ends")


def waits(first: float, longest: float) -> Iterator[float]:
    """Seconds to wait, without end: the half to the whole of a time that doubles from `first` to `longest`."""
    dice = random.SystemRandom()
    while True:
        yield first * (1 + dice.random()) / 2
        first = min(first * 2, longest)


def is_expired(error: Exception) -> bool:
    """Whether the credentials were good once: a client that is built anew may have new ones."""
    return _code(error) in EXPIRED


def is_transient(error: Exception) -> bool:
    """Whether the same call may work later, if need be with new credentials."""
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    if isinstance(error, boto.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _code(error) in THROTTLED | EXPIRED or status == 429 or status >= 500
    lost = (
        boto.ConnectionError,
        boto.HTTPClientError,
        boto.IncompleteReadError,
        boto.CredentialRetrievalError,
        ResponseParserError,
        ConnectionError,
        TimeoutError,
    )
    return isinstance(error, lost)


def _code(error: Exception) -> str:
    """Code of an AWS service's error; "" of any other."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
