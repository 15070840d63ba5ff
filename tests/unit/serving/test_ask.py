"""A model that sleeps is asked until it is awake; one that is awake and fails is not."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError

from frugal.aws import clients
from frugal.aws.run import Inputs
from frugal.serving import ask
from tests.unit.serving.test_strategies import ALONE, spec_of

ASLEEP, FAILS = "ValidationError", "ModelError"


class Runtime:
    """Answers with these errors, then with 20; counts how often it is asked."""

    def __init__(self, *codes: str) -> None:
        self._codes: Iterator[str] = iter(codes)
        self.asked = 0

    def invoke_endpoint(self, **_: Any) -> dict[str, Any]:
        self.asked += 1
        if code := next(self._codes, None):
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "InvokeEndpoint")
        return {"Body": BytesIO(b"20\n")}


def wake(monkeypatch: pytest.MonkeyPatch, runtime: Runtime) -> list[str]:
    monkeypatch.setattr(clients, "client", lambda *_: runtime)
    monkeypatch.setattr(ask, "LOOK_SECONDS", 0.0)
    spec = spec_of("strategy: scale-to-zero")
    return list(ask.asker(spec, Inputs(run=ALONE, results={}))(["2"]))


def test_it_is_asked_until_it_is_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime(ASLEEP, ASLEEP)
    assert wake(monkeypatch, runtime) == ["20\n"]
    assert runtime.asked == 3


def test_a_model_that_fails_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime(ASLEEP, FAILS)
    with pytest.raises(ClientError, match=FAILS):
        wake(monkeypatch, runtime)
    assert runtime.asked == 2
