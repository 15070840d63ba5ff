"""An asynchronous endpoint's queue: requests kept until an instance has answered them, or they expire."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any

from local_aws.execution.async_invocation import REQUEST, AsyncInvocation
from local_aws.execution.instances import NoInstances
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App
    from local_aws.execution.fleet import Traffic

# "If no value is provided, SageMaker chooses an optimal value": ours.
CONCURRENCY = 4
TICK = 0.1


class AsyncQueue:
    """The queue of one endpoint. A request is a record on disk until it is done, so that it survives
    a restart of this process; it may then be processed twice.

    `traffic` says whose turn it is.
    """

    def __init__(
        self,
        app: App,
        region: str,
        endpoint: str,
        config: dict[str, Any],
        traffic: Traffic,
    ) -> None:
        self._app, self._region, self._endpoint = app, region, endpoint
        self.config, self._traffic = config, traffic
        every = app.store.all(REQUEST, region)
        waiting = [r for r in every if r["EndpointName"] == endpoint]
        self._waiting: deque[Record] = deque(sorted(waiting, key=lambda r: r["_received"]))
        self._running = 0
        self._changed = threading.Condition()
        self._closed = False
        threading.Thread(target=self._dispatch, name=f"async/{endpoint}", daemon=True).start()

    def put(self, request: Record) -> None:
        """Accept a request: `requestParameters` of its notification, and members of ours."""
        request["_id"] = uuid.uuid4().hex
        self._app.store.create(REQUEST, self._region, request["_id"], request)
        with self._changed:
            self._waiting.append(request)
            self._changed.notify_all()

    def close(self) -> None:
        """Forget every request: the endpoint is deleted."""
        with self._changed:
            self._closed = True
            requests, self._waiting = list(self._waiting), deque()
            self._changed.notify_all()
        for request in requests:
            self._app.store.delete(REQUEST, self._region, request["_id"])

    def backlog(self) -> tuple[int, float]:
        """How many wait or are processed, and for how many seconds the oldest one waits."""
        with self._changed:
            oldest = time.time() - self._waiting[0]["_received"] if self._waiting else 0.0
            return len(self._waiting) + self._running, oldest

    def _dispatch(self) -> None:
        while not self._closed:
            with self._changed:
                if not self._waiting or self._running >= self._limit():
                    self._changed.wait(TICK)
                expired = self._take_expired()
                request = None
                if self._waiting and self._running < self._limit():
                    request = self._waiting.popleft()
                    self._running += 1
            for late in expired:
                threading.Thread(target=self._work(late).expire, daemon=True).start()
            if request:
                threading.Thread(target=self._process, args=(request,), daemon=True).start()

    def _limit(self) -> int:
        asked = self.config.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance")
        return (asked or CONCURRENCY) * self._traffic.instances()

    def _take_expired(self) -> list[Record]:
        ttl, now = self._app.config.simulation.wait, time.time()
        late = [r for r in self._waiting if now - r["_received"] > ttl(r["_ttl"])]
        for request in late:
            self._waiting.remove(request)
        return late

    def _work(self, request: Record) -> AsyncInvocation:
        return AsyncInvocation(self._app, self._region, self.config, request)

    def _process(self, request: Record) -> None:
        again = False
        try:
            self._work(request).process(self._traffic.choose())
        except NoInstances:
            again = True
        finally:
            with self._changed:
                self._running -= 1
                if again and not self._closed:
                    self._waiting.appendleft(request)
                self._changed.notify_all()

    def sample(self) -> None:
        """Put the metrics that scaling goes by; per instance there is none without an instance."""
        size, age = self.backlog()
        count, dimensions = self._traffic.instances(), {"EndpointName": self._endpoint}
        values = {
            "ApproximateBacklogSize": float(size),
            "HasBacklogWithoutCapacity": float(size > 0 and count == 0),
        }
        values |= {"ApproximateBacklogSizePerInstance": size / count} if count else {}
        self._app.meter.put(self._region, dimensions, values, "Count")
        self._app.meter.put(
            self._region, dimensions, {"ApproximateAgeOfOldestRequest": age}, "Seconds"
        )
