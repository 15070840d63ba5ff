"""Whether the instances of an endpoint are too many for what they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import yaml
from pydantic import Field

from frugal.aws.settings import Settings
from frugal.cleanup.resource import Resource
from frugal.cleanup.signals.signal import Finding, Signal, words
from frugal.cleanup.view import Query, View
from frugal.spec.durations import Duration
from frugal.spec.section import Section

NAMESPACE = "/aws/sagemaker/Endpoints"


class Load(Section):
    """At most so many percent at the busiest minute of a window. Half of the instances are then twice as busy."""

    percent: float = Field(gt=0, le=40)
    window: Duration


def cpu_below(load: Load) -> Signal:
    """Every variant has more than one instance, none of which was busier, in CPU or GPU, within the window.

    CPUUtilization is 0 to 100 for each core, GPUUtilization for each GPU
    (docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html); GPUs are not counted here, so that several of
    them look busier than they are.
    """

    def judge(batch: Sequence[Resource], view: View) -> Sequence[Finding]:
        asked = [_variants(resource) for resource in batch]
        queries = [
            Query(NAMESPACE, metric, "Maximum", _dimensions(resource, variant))
            for resource, variants in zip(batch, asked, strict=True)
            for variant in variants
            for metric in ("CPUUtilization", "GPUUtilization")
        ]
        answers = iter(view.metrics(queries, load.window))
        return [
            _judge(
                resource, variants, [(next(answers), next(answers)) for _ in variants], load, view
            )
            for resource, variants in zip(batch, asked, strict=True)
        ]

    return judge


def _judge(
    resource: Resource,
    variants: Mapping[str, Any],
    answers: Sequence[tuple[float | None, float | None]],
    load: Load,
    view: View,
) -> Finding:
    length = words(load.window.total_seconds())
    if not variants:
        return Finding(False, "no variant has more than one instance")
    if resource.created is None or view.now - resource.created <= load.window:
        return Finding(None, f"it is younger than {length}")
    peaks = []
    for variant, (cpu, gpu) in zip(variants.values(), answers, strict=True):
        cores = _cores().get(variant["instance"])
        if cpu is None or cores is None:
            what = "its CPU metrics are missing" if cpu is None else "its cores are not known"
            return Finding(None, f"{variant['instance']}: {what}")
        peaks.append(max(cpu / cores, gpu or 0.0))
    return Finding(max(peaks) < load.percent, f"{max(peaks):.0f} percent busy at most in {length}")


def _variants(resource: Resource) -> dict[str, Any]:
    """Those with several instances, if every one has: halving some would shift the others' traffic."""
    variants: dict[str, Any] = (resource.facts or {}).get("variants", {})
    several = {name: variant for name, variant in variants.items() if variant["count"] > 1}
    return several if len(several) == len(variants) else {}


def _dimensions(resource: Resource, variant: str) -> tuple[tuple[str, str], ...]:
    return (("EndpointName", resource.name), ("VariantName", variant))


@cache
def _cores() -> dict[str, int]:
    path = Settings.load().include / "prices" / "instances.yaml"
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {instance: entry["vcpus"] for instance, entry in table.items()}
