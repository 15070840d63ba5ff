"""Each "no" of AWS's support matrix as a row of `REFUSED`, with the reason and the nearest thing that works.

The matrix: docs.aws.amazon.com/sagemaker/latest/dg/model-deploy-feature-matrix.html, and the pages of each form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from frugal.spec import asked
from frugal.spec.deploy import Deploy

BY_INSTANCE = ("realtime", "multi-model", "async", "scale-to-zero", "batch", "inferentia")
ALWAYS_ON = ("realtime", "multi-model", "inferentia")
SHADOWED = ("realtime", "inferentia")
GPUS = ("ml.p2.", "ml.p3", "ml.p4", "ml.p5", "ml.p6", "ml.g4", "ml.g5", "ml.g6", "ml.g7")
INFERENTIA = ("ml.inf1.", "ml.inf2.")


class Refusal(NamedTuple):
    """One "no": `asked` gives what AWS refuses of a section of these strategies, or None."""

    name: str
    strategies: tuple[str, ...]
    key: str
    asked: Callable[[Deploy], Any]
    problem: str
    allowed: str


NOT_REALTIME = ("multi-model", "async", "serverless", "batch", "scale-to-zero")
GPU_ELSEWHERE = "strategy: realtime, async or batch"
REALTIME = "leave it out, or strategy: realtime"

REFUSED = (
    Refusal(
        "serverless scales by provisioned concurrency only",
        ("serverless",),
        "deploy.autoscale",
        lambda deploy: "autoscale" if deploy.autoscale and not deploy.provisioned_concurrency else None,
        "a serverless endpoint scales by itself; AWS scales its provisioned concurrency only",
        "provisioned_concurrency beside it, or leave it out",
    ),
    Refusal(
        "batch does not scale",
        ("batch",),
        "deploy.autoscale",
        lambda deploy: "autoscale" if deploy.autoscale else None,
        "a transform job has a fixed number of instances",
        "instances",
    ),
    Refusal(
        "instances do not scale to zero",
        ALWAYS_ON,
        "deploy.autoscale.min",
        asked.to_zero,
        "AWS keeps one instance of such an endpoint at least",
        "1 or more, or strategy: serverless, scale-to-zero or async",
    ),
    Refusal(
        "provisioned concurrency does not scale to zero",
        ("serverless",),
        "deploy.autoscale.min",
        asked.to_zero,
        "provisioned concurrency is 1 at least; without it serverless runs nothing while nobody asks",
        "1 or more, or leave provisioned_concurrency out",
    ),
    Refusal(
        "no GPU in serverless",
        ("serverless",),
        "deploy.instance",
        asked.instance_of(*GPUS),
        "AWS has no GPUs in serverless",
        GPU_ELSEWHERE,
    ),
    Refusal(
        "GPU and multi-model only through Triton",
        ("multi-model",),
        "deploy.instance",
        asked.instance_of(*GPUS),
        "AWS serves several models from one GPU through the Triton container only, not through XGBoost's",
        f"a CPU instance, or {GPU_ELSEWHERE}",
    ),
    Refusal(
        "no Inf1 in these forms",
        ("multi-model", "async", "serverless", "batch", "scale-to-zero"),
        "deploy.instance",
        asked.instance_of("ml.inf1."),
        "AWS serves Inf1 as a real-time endpoint only",
        "strategy: inferentia, or a CPU instance",
    ),
    Refusal(
        "Inferentia's instances",
        ("inferentia",),
        "deploy.instance",
        lambda deploy: next((host for host in asked.hosts(deploy)[:1] if not host.startswith(INFERENTIA)), None),
        "has no Inferentia chip",
        "ml.inf1.* or ml.inf2.*, or strategy: realtime",
    ),
    Refusal(
        "no capture in serverless",
        ("serverless",),
        "deploy.capture_percent",
        asked.captured,
        "AWS refuses data capture on serverless endpoints",
        REALTIME,
    ),
    Refusal(
        "no capture in multi-model",
        ("multi-model",),
        "deploy.capture_percent",
        asked.captured,
        "AWS captures traffic of endpoints with a single model only",
        REALTIME,
    ),
    Refusal(
        "no capture in async",
        ("async",),
        "deploy.capture_percent",
        asked.captured,
        "AWS refuses data capture on asynchronous endpoints; requests and answers are in S3 already",
        REALTIME,
    ),
    Refusal(
        "no capture of inference components",
        ("scale-to-zero",),
        "deploy.capture_percent",
        asked.captured,
        "data capture of inference components is not documented, so it is not relied on",
        REALTIME,
    ),
    Refusal(
        "no sampling in batch",
        ("batch",),
        "deploy.capture_percent",
        lambda deploy: deploy.capture_percent if deploy.capture_percent not in (None, 0, 100) else None,
        "a transform job captures everything or nothing",
        "0 or 100",
    ),
    Refusal(
        "no VPC in serverless",
        ("serverless",),
        "deploy.vpc",
        lambda deploy: "vpc" if deploy.vpc else None,
        "AWS refuses a VPC for serverless endpoints",
        "strategy: realtime, multi-model, async or batch",
    ),
    Refusal(
        "no network isolation in serverless",
        ("serverless",),
        "deploy.isolated",
        lambda deploy: True if deploy.isolated else None,
        "AWS refuses network isolation for serverless endpoints",
        "strategy: realtime, async or batch",
    ),
    Refusal(
        "no guardrails in serverless",
        ("serverless",),
        "deploy.rollout",
        asked.guarded,
        "AWS moves a serverless endpoint all at once, without looking at alarms",
        REALTIME,
    ),
    Refusal(
        "no guardrails in multi-model",
        ("multi-model",),
        "deploy.rollout",
        asked.guarded,
        "AWS has no traffic shifting for multi-model endpoints; a new version is a new TargetModel",
        REALTIME,
    ),
    Refusal(
        "no rollout in batch",
        ("batch",),
        "deploy.rollout",
        lambda deploy: deploy.rollout.kind if deploy.rollout else None,
        "a transform job has no endpoint to roll out",
        REALTIME,
    ),
    Refusal(
        "no guardrails on Inf1",
        ("realtime", "inferentia"),
        "deploy.rollout",
        lambda deploy: asked.guarded(deploy) if asked.instance_of("ml.inf1.")(deploy) else None,
        "AWS has no deployment guardrails on Inf1: it would go all at once, without a look at alarms",
        "leave it out, or ml.inf2.*",
    ),
    Refusal(
        "inference components roll",
        ("scale-to-zero",),
        "deploy.rollout.kind",
        lambda deploy: deploy.rollout.kind if deploy.rollout and deploy.rollout.kind != "rolling" else None,
        "AWS updates inference components by rolling batches only",
        "rolling, or strategy: realtime",
    ),
    Refusal(
        "no traffic shifting with several variants",
        SHADOWED,
        "deploy.rollout",
        lambda deploy: asked.stepwise(deploy) if deploy.trial else None,
        "AWS shifts traffic between fleets of the same variants, and a trial adds one",
        "trial alone, or rollout: {kind: all-at-once}",
    ),
    Refusal(
        "shadows in real time only",
        NOT_REALTIME,
        "deploy.trial",
        asked.on_trial("shadow"),
        "AWS shadows real-time endpoints only",
        REALTIME,
    ),
    Refusal(
        "no shadow on Inf1",
        SHADOWED,
        "deploy.trial",
        lambda deploy: "shadow" if asked.on_trial("shadow")(deploy) and asked.instance_of("ml.inf1.")(deploy) else None,
        "AWS shadows no endpoint on Inf1",
        "trial: {kind: split}, or ml.inf2.*",
    ),
    Refusal(
        "several variants in real time only",
        NOT_REALTIME,
        "deploy.trial",
        asked.on_trial("split"),
        "AWS splits traffic between variants of real-time endpoints only",
        REALTIME,
    ),
    Refusal(
        "pools of one model only",
        ("multi-model", "serverless", "batch"),
        "deploy.fallback",
        lambda deploy: ", ".join(deploy.fallback) or None,
        "AWS has instance pools for real-time and asynchronous endpoints of one model only",
        "leave it out, or strategy: realtime or async",
    ),
    Refusal(
        "T2 does not scale",
        BY_INSTANCE,
        "deploy.autoscale",
        lambda deploy: "autoscale" if deploy.scaling and asked.instance_of("ml.t2.")(deploy) else None,
        "AWS does not scale endpoints on ml.t2.*",
        "an ml.m5.* or ml.c5.* instance",
    ),
)  # fmt: skip
