"""A load test of one endpoint, from its rows to what it means in money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from frugal.aws import clients, registry
from frugal.aws.prepare import place
from frugal.cost.prices import PriceTable
from frugal.serving import multi_model
from frugal.serving.chooser.facts import ModelFacts
from frugal.serving.load_test.arrivals import steady
from frugal.serving.load_test.drive import drive
from frugal.serving.load_test.endpoint import sender
from frugal.serving.load_test.measure import Measure, measure
from frugal.serving.load_test.search import Found, most_within
from frugal.serving.names import component_name, endpoint_name
from frugal.spec import ModelSpec

CALM_RATE, CALM_SECONDS = 5.0, 6.0
LATENCY_MS = 1000.0  # the p95 to keep where deploy.traffic names none


@dataclass(frozen=True)
class Host:
    """What an endpoint runs on; `instance` is None for serverless."""

    endpoint: str
    instance: str | None
    instances: int

    @classmethod
    def of(cls, endpoint: str) -> Host:
        """The first variant of a live endpoint.

        Raises botocore's ClientError when there is none of this name, LookupError when its pools run several types.
        """
        sagemaker = clients.client("sagemaker")
        told = sagemaker.describe_endpoint(EndpointName=endpoint)
        config = sagemaker.describe_endpoint_config(EndpointConfigName=told["EndpointConfigName"])
        variant, running = config["ProductionVariants"][0], told["ProductionVariants"][0]
        instance, pools = variant.get("InstanceType"), running.get("InstancePools", [])
        types = [pool["InstanceType"] for pool in pools if pool["CurrentInstanceCount"]]
        if len(types) > 1:
            raise LookupError(f"{endpoint} runs on {' and '.join(types)}: no rate is that of one")
        if types:
            instance = types[0]
        return cls(endpoint, instance, max(1, running.get("CurrentInstanceCount", 1)))

    def per_million(self, rate: float, prices: PriceTable, region: str) -> float | None:
        """USD for a million requests at `rate` a second all the time; None when the price is unknown."""
        hour = prices.hour(self.instance, region)
        if hour is None or rate == 0:
            return None
        return hour * self.instances / (rate * 3600) * 1_000_000


@dataclass(frozen=True)
class LoadTest:
    """`calm` is a few requests a second, where nothing queues; `found` is the most within the target."""

    host: Host
    calm: Measure
    found: Found
    per_million: float | None

    def facts(self, before: ModelFacts, source: str) -> ModelFacts:
        """`before` with what this test measured."""
        p50, p95 = self.calm.p50_ms or before.request_ms, self.calm.p95_ms or 0.0
        throughput = dict(before.throughput)
        if self.host.instance is not None and self.found.rate:
            throughput[self.host.instance] = self.found.rate / self.host.instances
        return replace(
            before,
            request_ms=round(p50, 2),
            spread=round(max(1.0, p95 / p50), 2),
            throughput=throughput,
            source=source,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            **asdict(self.host),
            "calm": self.calm.as_dict(),
            "rate": self.found.rate,
            "at_rate": self.found.best.as_dict() if self.found.best else None,
            "limited_by_client": self.found.limited_by_client,
            "tried": [each.as_dict() for each in self.found.tried],
            "usd_per_million_requests": self.per_million,
        }


async def load_test(
    host: Host,
    rows: Sequence[str],
    *,
    latency_ms: float | None,
    seconds: float,
    prices: PriceTable,
    region: str,
    target: Mapping[str, str] | None = None,
) -> LoadTest:
    """A calm phase, then attempts of `seconds` each at rising rates; `target` goes with every request.

    Raises LookupError when the calm phase has no answer: there is nothing to measure.
    """
    async with sender(host.endpoint, rows, **(target or {})) as send:

        async def attempt(rate: float) -> Measure:
            return measure(await drive(send, steady(rate, seconds)), seconds)

        calm = measure(await drive(send, steady(CALM_RATE, CALM_SECONDS)), CALM_SECONDS)
        if calm.p50_ms is None:
            errors = ", ".join(f"{count} {code}" for code, count in calm.errors.items())
            raise LookupError(
                f"{host.endpoint} answered none of {calm.requests} requests: {errors}"
            )
        found = await most_within(attempt, latency_ms)
    return LoadTest(host, calm, found, host.per_million(found.rate, prices, region))


def target_ms(spec: ModelSpec) -> float:
    """The p95 that the model's endpoint is to keep, in milliseconds."""
    traffic = spec.deploy.traffic
    return LATENCY_MS if traffic is None or traffic.latency_ms is None else traffic.latency_ms


def live(spec: ModelSpec) -> tuple[str, dict[str, str]]:
    """The endpoint that serves the model, and what each InvokeEndpoint names besides.

    Raises ValueError for a strategy that InvokeEndpoint does not ask, LookupError when no version is live.
    """
    strategy, target = spec.deploy.strategy, {}
    if strategy in ("async", "batch"):
        raise ValueError(f"{spec.name} is served as {strategy}, which has no rate to find")
    if strategy == "scale-to-zero":
        target = {"InferenceComponentName": component_name(spec)}
    if strategy == "multi-model":
        pointer = multi_model.current(
            spec.name, endpoint_name(spec), place(spec, "load-test").bucket
        )
        target = clients.read_json(pointer) or {}
        if not target:
            raise LookupError(f"{spec.name}: no version is live: {pointer} is missing")
    return endpoint_name(spec), target


def held_out_rows(model: str) -> list[str]:
    """The rows that the champion's evaluation kept. Raises LookupError when the model has no champion."""
    champion = registry.champion(model)
    if champion is None:
        raise LookupError(f"{model}: no approved model, so no held-out rows: give --payload")
    run, _, _ = champion.model_data.partition("/model/")
    return clients.read_text(f"{run}/evaluation/parity/rows.csv").splitlines()
