"""What every endpoint runs on, and which of its deployments a request goes to."""

from __future__ import annotations

import logging
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from local_aws.execution.async_queue import AsyncQueue
from local_aws.execution.components import Component
from local_aws.execution.deployment import CONFIG, ENDPOINT, MODEL, Deployment
from local_aws.execution.model_server import ServerFailed
from local_aws.execution.rollout import Journal, RollbackFailed, Rollout, Shift
from local_aws.execution.rollout_plan import Plan
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App

__all__ = ["CONFIG", "ENDPOINT", "MODEL", "Deployment", "Fleet", "Traffic"]

log = logging.getLogger(__name__)

# How many endpoints are stopped at a time when this process ends.
CLOSERS = 16


class Traffic(Shift[Deployment]):
    """What answers for one endpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: AsyncQueue | None = None
        self.components: dict[str, Component] = {}

    def instances(self) -> int:
        """How many instances of production variants there are."""
        production = (v for d in self.deployments() for v in d.variants.values())
        return sum(variant.instances.count for variant in production)


class Fleet:
    """Every endpoint's traffic, by region and name."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._endpoints: dict[tuple[str, str], Traffic] = {}
        self._changed = threading.Condition()
        app.meter.every(self._sample)

    def clear_directories(self) -> None:
        shutil.rmtree(self._app.config.state / "servers", ignore_errors=True)

    def traffic(self, region: str, endpoint: str) -> Traffic:
        """What is to answer for an endpoint, now or once it is deployed."""
        with self._changed:
            return self._endpoints.setdefault((region, endpoint), Traffic())

    def deploy(
        self, region: str, endpoint: str, config: Record, plan: Plan, journal: Journal[Deployment]
    ) -> None:
        """Bring an endpoint to a configuration in the background, by a plan; the journal is told how it
        goes. What served before goes on serving until the plan is through, and after it failed."""
        traffic = self.traffic(region, endpoint)
        arguments = (region, endpoint, traffic, config, plan, journal)
        threading.Thread(target=self._deploy, args=arguments, daemon=True).start()

    def _deploy(
        self,
        region: str,
        endpoint: str,
        traffic: Traffic,
        config: Record,
        plan: Plan,
        journal: Journal[Deployment],
    ) -> None:
        try:
            new = Deployment(self._app, region, endpoint, config)
            traffic.bring_in(new)
            if traffic.cancelled.is_set():
                return
            Rollout(self._app, traffic, new, plan, journal).run()
        except Exception as error:
            if not isinstance(error, ServerFailed):
                log.exception("endpoint %s", endpoint)
            if not traffic.cancelled.is_set():  # its name may be another endpoint's by now
                journal.ended(str(error), rollback_failed=isinstance(error, RollbackFailed))
            return
        old = traffic.settle(new)
        self._attend(region, endpoint, traffic, config)
        with self._changed:
            self._changed.notify_all()
        if traffic.cancelled.is_set():
            new.stop()
            return
        journal.ended(None)
        if old:
            old.stop()

    def _attend(self, region: str, endpoint: str, traffic: Traffic, config: Record) -> None:
        """Have a queue for an asynchronous configuration, and for no other."""
        settings = config.get("AsyncInferenceConfig")
        if settings and traffic.queue:
            traffic.queue.config = settings
        elif settings:
            traffic.queue = AsyncQueue(self._app, region, endpoint, settings, traffic)
        elif traffic.queue:
            traffic.queue.close()
            traffic.queue = None

    def find(self, region: str, endpoint: str, patience: float = 0.0) -> Traffic | None:
        """What serves an endpoint; waits up to `patience` seconds for it to come up."""
        key = (region, endpoint)

        def serving() -> bool:
            return key in self._endpoints and self._endpoints[key].serving is not None

        with self._changed:
            self._changed.wait_for(serving, patience)
            return self._endpoints[key] if serving() else None

    def remove(self, region: str, endpoint: str, *, forget: bool = True) -> None:
        """Stop everything that serves, or is about to serve, an endpoint, and `forget` its queue."""
        with self._changed:
            traffic = self._endpoints.pop((region, endpoint), None)
        if traffic:
            traffic.cancelled.set()
            if traffic.queue and forget:
                traffic.queue.close()
            parts: list[Deployment | Component] = [*traffic.deployments()]
            for part in [*parts, *traffic.components.values()]:
                part.stop()

    def close(self) -> None:
        """Stop everything; queues are kept for the next process."""
        with ThreadPoolExecutor(CLOSERS) as pool:
            for region, endpoint in list(self._endpoints):
                pool.submit(self.remove, region, endpoint, forget=False)

    def _sample(self) -> None:
        for (region, _), traffic in list(self._endpoints.items()):
            if traffic.queue:
                traffic.queue.sample()
                continue
            for component in traffic.components.values():
                running = sum(version.instances.running for version in component.deployments())
                values = {
                    "ConcurrentRequestsPerCopy": running / component.copies if running else 0.0
                }
                dimensions = {"InferenceComponentName": component.name}
                self._app.meter.put(region, dimensions, values, "Count")
                # Idle copies have a value, too: by that AWS takes the last one away
                # (docs: endpoint-auto-scaling-zero-instances).
                self._app.meter.put(region, dimensions, {"InvocationsPerCopy": 0.0})
            for variant in traffic.serving.everything if traffic.serving else []:
                variant.sample()
