"""A client that invokes an endpoint without a pause, and keeps what it was told."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from tests.contract.waiting import await_true

from .conftest import LocalAws


class Client:
    """Invokes an endpoint from a thread while the block runs; `answers` counts what it got."""

    def __init__(
        self, local_aws: LocalAws, endpoint: str, body: str = "1,2", **arguments: Any
    ) -> None:
        self._runtime = local_aws.client("sagemaker-runtime")
        self._asked = {
            "EndpointName": endpoint,
            "Body": body,
            "ContentType": "text/csv",
            **arguments,
        }
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            try:
                answer = self._runtime.invoke_endpoint(**self._asked)
                self.answers[answer["Body"].read().decode()] += 1
            except Exception as error:
                self.failures.append(str(error))

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def await_answers(self, more: int) -> None:
        """Wait until so many more requests were answered, well or badly."""
        target = self.total + more
        await_true(lambda: self.total >= target, f"{more} more answers")

    @property
    def total(self) -> int:
        return self.answers.total() + len(self.failures)
