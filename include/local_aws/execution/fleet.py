"""What endpoints run on: a deployment per endpoint configuration, switched only when it answers."""

from __future__ import annotations

import logging
import random
import shutil
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from local_aws.errors import validation
from local_aws.execution.capture import Capture
from local_aws.execution.model_server import ServerFailed
from local_aws.execution.states import now
from local_aws.execution.variant import Variant, make_variant
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App

log = logging.getLogger(__name__)

ENDPOINT, CONFIG, MODEL = "endpoint", "endpoint-config", "model"
CAPTURE_PERIOD = 20.0


class Deployment:
    """The servers of one endpoint on one endpoint configuration."""

    def __init__(self, app: App, region: str, endpoint: str, config: Record) -> None:
        self.variants: dict[str, Variant] = {}
        self.capture: Capture | None = None
        for definition in config["ProductionVariants"]:
            model = find_model(app, region, definition)
            variant = make_variant(app, region, endpoint, definition, model)
            self.variants[variant.name] = variant
        capture = config.get("DataCaptureConfig")
        if capture and capture.get("EnableCapture", True):
            period = app.config.simulation.wait(CAPTURE_PERIOD)
            self.capture = Capture(app.objects, endpoint, capture, period)

    def start(self) -> None:
        """Start every variant. Raises `ServerFailed`, with none left running."""
        try:
            for variant in self.variants.values():
                variant.start()
        except ServerFailed:
            self.stop()
            raise

    def choose(self, name: str | None) -> Variant:
        """The variant asked for, or one by weight. Raises `KeyError`."""
        if name is not None:
            return self.variants[name]
        variants = list(self.variants.values())
        weights = [v.weight for v in variants]
        return random.choices(variants, weights if any(weights) else None)[0]

    def stop(self) -> None:
        for variant in self.variants.values():
            variant.stop()
        if self.capture:
            self.capture.flush()


def find_model(app: App, region: str, definition: dict[str, Any]) -> Record:
    """The model of a variant; of an instance pool, that of the first one."""
    pools = sorted(definition.get("InstancePools", []), key=lambda pool: pool["Priority"])
    override = pools[0].get("ModelNameOverride") if pools else None
    name = override or definition["ModelName"]
    model = app.store.get(MODEL, region, name)
    if model is None:
        raise validation(f'Could not find model "{name}".')
    return model


class Fleet:
    """Every endpoint's deployment, by region and name."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._deployments: dict[tuple[str, str], Deployment] = {}
        self._starting: dict[tuple[str, str], Deployment] = {}
        self._changed = threading.Condition()

    def clear_directories(self) -> None:
        shutil.rmtree(self._app.config.state / "servers", ignore_errors=True)

    def deploy(
        self, region: str, endpoint: str, config: Record, done: Callable[[str | None], None]
    ) -> None:
        """Start a configuration in the background and switch to it once all of it answers.

        `done` receives None, or why the endpoint stays as it was. The deployment before, if any,
        stops after the switch.
        """
        thread = threading.Thread(
            target=self._deploy, args=(region, endpoint, config, done), daemon=True
        )
        thread.start()

    def _deploy(
        self, region: str, endpoint: str, config: Record, done: Callable[[str | None], None]
    ) -> None:
        key = (region, endpoint)
        try:
            new = Deployment(self._app, region, endpoint, config)
            self._starting[key] = new
            new.start()
        except Exception as error:
            if not isinstance(error, ServerFailed):
                log.exception("endpoint %s", endpoint)
            self._starting.pop(key, None)
            done(str(error))
            return
        with self._changed:
            if self._starting.pop(key, None) is None:
                new.stop()
                return
            old, self._deployments[key] = self._deployments.get(key), new
            self._changed.notify_all()
        done(None)
        if old:
            old.stop()

    def find(self, region: str, endpoint: str, patience: float = 0.0) -> Deployment | None:
        """What serves an endpoint; waits up to `patience` seconds for it to come up."""
        key = (region, endpoint)
        with self._changed:
            self._changed.wait_for(lambda: key in self._deployments, patience)
            return self._deployments.get(key)

    def remove(self, region: str, endpoint: str) -> None:
        """Stop everything that serves, or is about to serve, an endpoint."""
        key = (region, endpoint)
        with self._changed:
            gone = [self._starting.pop(key, None), self._deployments.pop(key, None)]
        for deployment in gone:
            if deployment:
                deployment.stop()

    def close(self) -> None:
        for region, endpoint in list(self._deployments):
            self.remove(region, endpoint)


def touch(record: Record, status: str) -> None:
    record["EndpointStatus"], record["LastModifiedTime"] = status, now()
