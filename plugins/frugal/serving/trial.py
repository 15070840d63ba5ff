"""The end of a trial: the version beside the champion takes over, or goes. Both are a new configuration of the
endpoint, of the models that are there: what was tried is what serves.
"""

from __future__ import annotations

from typing import Any

from frugal.aws import clients, registry
from frugal.aws.ownership import tags_of
from frugal.aws.run import Inputs
from frugal.aws.tags import RUN
from frugal.jobs.endpoint import ENDPOINT
from frugal.serving import parts, rollout
from frugal.serving.names import CANDIDATE, VARIANT, endpoint_name
from frugal.spec import ModelSpec

#: The task that leaves what `verdict_request` reads, and the verdicts.
CHOSEN = "choose_variant"
PROMOTE, WITHDRAW = "promote", "withdraw"
VARIANTS, SHADOWS = "ProductionVariants", "ShadowProductionVariants"
KEPT = ("DataCaptureConfig", "ExecutionRoleArn", "VpcConfig", "EnableNetworkIsolation")


class NoTrial(LookupError):
    """No version stands beside the champion."""


def choose(spec: ModelSpec, verdict: str, region: str | None = None) -> dict[str, Any]:
    """{"variant": that shall serve alone, "package": ARN of the version on trial, "kind", and what the configuration
    keeps: "content"}. Raises NoTrial.
    """
    sagemaker, name = clients.client("sagemaker", region), endpoint_name(spec)
    found = ENDPOINT.find(sagemaker, name)
    if found is None:
        raise NoTrial(f"there is no endpoint {name}")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
    live = {variant["VariantName"]: variant for variant in config[VARIANTS]}
    shadows = {variant["VariantName"]: variant for variant in config.get(SHADOWS, [])}
    candidate = (live | shadows).get(CANDIDATE)
    if candidate is None or VARIANT not in live:
        raise NoTrial(f"endpoint {name} serves one version: there is no trial to end")
    model = sagemaker.describe_model(ModelName=candidate["ModelName"])
    run = tags_of(sagemaker, model["ModelArn"]).get(RUN, "")
    package = registry.package_of(spec.name, run)
    if package is None:
        raise NoTrial(
            f"{spec.name}: no model package of run {run!r}, which made the version on trial"
        )
    return {
        "variant": candidate if verdict == PROMOTE else live[VARIANT],
        "package": package,
        "kind": "shadow" if shadows else "split",
        "content": {key: config[key] for key in KEPT if key in config},
    }


def verdict_request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """The endpoint with the chosen variant alone. A shadow takes over guarded by the alarms of `deploy.rollout`.

    After a split nothing is guarded: its version has answered already, and AWS guards a change only while the names of
    the variants stay (as the local AWS has it; not verified on AWS).
    """
    chosen = inputs[CHOSEN]
    variant = {**chosen["variant"], "VariantName": VARIANT, "InitialVariantWeight": 1.0}
    asked = parts.endpoint(spec, inputs, [], [variant], **chosen["content"])
    return asked | rollout.guarded(spec, inputs, asked) if chosen["kind"] == "shadow" else asked


def decide(verdict: str, package: str) -> None:
    """Approve or reject the version that was on trial in the registry, now that the endpoint serves accordingly."""
    status = "Approved" if verdict == PROMOTE else "Rejected"
    clients.client("sagemaker").update_model_package(
        ModelPackageArn=package,
        ModelApprovalStatus=status,
        ApprovalDescription=f"its trial ended: {verdict}",
    )
