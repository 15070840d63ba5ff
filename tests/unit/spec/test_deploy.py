"""The deploy section: each combination that AWS refuses is refused here, with the reason and what works instead."""

from __future__ import annotations

import pytest

from frugal.spec import ModelSpec, SpecError, parse_spec
from frugal.spec.errors import Mistake
from frugal.spec.refused import REFUSED

#: The name of each row of REFUSED, and the shortest section that asks for what it refuses.
ROWS = {
    "serverless scales by provisioned concurrency only": "strategy: serverless, autoscale: {max: 2}",
    "batch does not scale": "strategy: batch, autoscale: {max: 2}",
    "instances do not scale to zero": "strategy: realtime, autoscale: {min: 0}",
    "provisioned concurrency does not scale to zero": (
        "strategy: serverless, provisioned_concurrency: 1, autoscale: {min: 0}"
    ),
    "no GPU in serverless": "strategy: serverless, instance: ml.g5.xlarge",
    "GPU and multi-model only through Triton": "strategy: multi-model, instance: ml.g5.xlarge",
    "no Inf1 in these forms": "strategy: async, instance: ml.inf1.xlarge",
    "Inferentia's instances": "strategy: inferentia, instance: ml.c5.xlarge",
    "no capture in serverless": "strategy: serverless, capture_percent: 10",
    "no capture in multi-model": "strategy: multi-model, capture_percent: 10",
    "no capture in async": "strategy: async, capture_percent: 10",
    "no capture of inference components": "strategy: scale-to-zero, capture_percent: 10",
    "no sampling in batch": "strategy: batch, capture_percent: 10",
    "no VPC in serverless": "strategy: serverless, vpc: {subnets: [a], security_groups: [b]}",
    "no network isolation in serverless": "strategy: serverless, isolated: true",
    "no guardrails in serverless": "strategy: serverless, rollout: {kind: canary}",
    "no guardrails in multi-model": "strategy: multi-model, rollout: {kind: linear}",
    "no rollout in batch": "strategy: batch, rollout: {kind: all-at-once}",
    "no guardrails on Inf1": (
        "strategy: inferentia, instance: ml.inf1.xlarge, instances: 2, rollout: {kind: canary}"
    ),
    "inference components roll": "strategy: scale-to-zero, rollout: {kind: canary}",
    "no traffic shifting with several variants": (
        "strategy: realtime, instances: 2, rollout: {kind: canary}, trial: {kind: split}"
    ),
    "shadows in real time only": "strategy: async, trial: {kind: shadow}",
    "no shadow on Inf1": "strategy: realtime, instance: ml.inf1.xlarge, trial: {kind: shadow}",
    "several variants in real time only": "strategy: serverless, trial: {kind: split}",
    "pools of one model only": "strategy: multi-model, fallback: [ml.c5.xlarge]",
    "T2 does not scale": "strategy: realtime, instance: ml.t2.medium, autoscale: {max: 2}",
}
#: Every "no" of AWS's matrix by form and feature: what a reader of the matrix would try.
MATRIX = [
    ("autoscaling", "serverless", "autoscale: {max: 3}"),
    ("autoscaling", "batch", "autoscale: {max: 3}"),
    ("scale to zero", "realtime", "autoscale: {min: 0}"),
    ("scale to zero", "multi-model", "autoscale: {min: 0}"),
    ("scale to zero", "inferentia", "autoscale: {min: 0}"),
    ("GPU", "serverless", "instance: ml.g4dn.xlarge"),
    ("several GPUs", "multi-model", "instance: ml.g4dn.12xlarge"),
    ("inf1", "multi-model", "instance: ml.inf1.xlarge"),
    ("inf1", "async", "instance: ml.inf1.xlarge"),
    ("inf1", "serverless", "instance: ml.inf1.xlarge"),
    ("inf1", "batch", "instance: ml.inf1.xlarge"),
    ("capture", "multi-model", "capture_percent: 100"),
    ("capture", "async", "capture_percent: 100"),
    ("capture", "serverless", "capture_percent: 100"),
    ("VPC", "serverless", "vpc: {subnets: [subnet-1], security_groups: [sg-1]}"),
    ("isolation", "serverless", "isolated: true"),
    ("guardrails", "multi-model", "rollout: {kind: canary}"),
    ("guardrails", "serverless", "rollout: {kind: canary}"),
    ("guardrails", "batch", "rollout: {kind: canary}"),
    ("shadow", "multi-model", "trial: {kind: shadow}"),
    ("shadow", "async", "trial: {kind: shadow}"),
    ("shadow", "serverless", "trial: {kind: shadow}"),
    ("shadow", "batch", "trial: {kind: shadow}"),
    ("variants", "multi-model", "trial: {kind: split}"),
    ("variants", "async", "trial: {kind: split}"),
    ("variants", "serverless", "trial: {kind: split}"),
    ("variants", "batch", "trial: {kind: split}"),
    ("payload of 7 MB", "realtime", "traffic: {requests_per_day: 1, payload_kb: 7168}"),
    ("payload of 7 MB", "multi-model", "traffic: {requests_per_day: 1, payload_kb: 7168}"),
    ("payload of 5 MB", "serverless", "traffic: {requests_per_day: 1, payload_kb: 5120}"),
    ("payload of 2 GB", "async", "traffic: {requests_per_day: 1, payload_kb: 2097152}"),
    ("payload of 101 MB", "batch", "traffic: {requests_per_day: 1, payload_kb: 103424}"),
]


def whole(shortest: str, deploy: str, *sections: str) -> str:
    """A model.yaml with this deploy section; on Inferentia that of a network which Neuron compiles."""
    chip = "strategy: inferentia" in deploy
    neuron = "train: {framework: pytorch}\ncompile: {backend: neuron}\n" if chip else ""
    return "".join([shortest, neuron, f"deploy: {{{deploy}}}\n", *sections])


def mistakes(shortest: str, deploy: str, *sections: str) -> list[Mistake]:
    with pytest.raises(SpecError) as caught:
        parse_spec(whole(shortest, deploy, *sections))
    return list(caught.value.mistakes)


def deployed(shortest: str, deploy: str, *sections: str) -> ModelSpec:
    return parse_spec(whole(shortest, deploy, *sections))


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_each_row_is_refused_alone_with_its_reason(row: object, shortest: str) -> None:
    refusal = next(found for found in REFUSED if found is row)
    found = mistakes(shortest, ROWS[refusal.name])
    assert [(m.key, m.problem, m.allowed) for m in found] == [
        (refusal.key, refusal.problem, refusal.allowed)
    ]
    assert found[0].given


@pytest.mark.parametrize(("feature", "strategy", "option"), MATRIX, ids=str)
def test_every_no_of_the_matrix(feature: str, strategy: str, option: str, shortest: str) -> None:
    (mistake,) = mistakes(shortest, f"strategy: {strategy}, {option}")
    assert mistake.key.startswith("deploy.")
    assert mistake.allowed or "takes requests up to" in mistake.problem


@pytest.mark.parametrize(
    ("deploy", "key"),
    [
        ("strategy: realtime, memory_mb: 1024", "deploy.memory_mb"),
        ("traffic: {requests_per_day: 0}", "deploy.traffic.requests_per_day"),
        ("traffic: {requests_per_day: 1.0e+10}", "deploy.traffic.requests_per_day"),
        ("traffic: {requests_per_day: .inf}", "deploy.traffic.requests_per_day"),
        ("traffic: {requests_per_day: 9, payload_kb: .nan}", "deploy.traffic.payload_kb"),
        (
            "traffic: {requests_per_day: 86400, peak_per_second: 0.9}",
            "deploy.traffic.peak_per_second",
        ),
        ("traffic: {requests_per_day: 9, peak_per_second: 1}", "deploy.traffic.peak_per_second"),
        (
            "traffic: {requests_per_day: 9, shape: [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}",
            "deploy.traffic.shape",
        ),
        (
            "traffic: {requests_per_day: 9, shape: [-1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,9]}",
            "deploy.traffic.shape.0",
        ),
        ("strategy: realtime, idle: 5m", "deploy.idle"),
        ("strategy: realtime, notify: {}", "deploy.notify"),
        ("strategy: batch, endpoint: shared", "deploy.endpoint"),
        ("strategy: scale-to-zero, instances: 2", "deploy.instances"),
        ("strategy: serverless, memory_mb: 1500", "deploy.memory_mb"),
        ("strategy: serverless, max_concurrency: 201", "deploy.max_concurrency"),
        (
            "strategy: serverless, max_concurrency: 2, provisioned_concurrency: 3",
            "deploy.provisioned_concurrency",
        ),
        ("strategy: serverless, provisioned_concurrency: 1, autoscale: {max: 6}", "deploy.autoscale.max"),
        ("strategy: realtime, autoscale: {min: 3, max: 2}", "deploy.autoscale.max"),
        ("strategy: realtime, instances: 9, autoscale: {min: 1}", "deploy.instances"),
        ("strategy: realtime, autoscale: {schedule: [{at: 'rate(1 day)'}]}", "deploy.autoscale.schedule.0"),
        ("strategy: realtime, autoscale: {schedule: [{at: '0 7 * * *', min: 2}]}", "deploy.autoscale.schedule.0.at"),
        (
            "strategy: realtime, autoscale: {steps: [{above: 9, add: 1}, {above: 5, add: 2}]}",
            "deploy.autoscale.steps",
        ),
        ("strategy: realtime, rollout: {kind: canary}", "deploy.rollout.kind"),
        ("strategy: async, rollout: {kind: linear}", "deploy.rollout.kind"),
        ("strategy: realtime, instances: 2, rollout: {kind: linear, percent: 5}", "deploy.rollout.percent"),
        ("strategy: realtime, instances: 2, rollout: {bake: 2h}", "deploy.rollout.bake"),
        ("strategy: realtime, instances: 2, rollout: {kind: rolling, percent: 5, bake: 1h}", "deploy.rollout.bake"),
        ("strategy: realtime, isolated: true", "deploy.isolated"),
        ("strategy: realtime, fallback: [ml.m5.large, a]", "deploy.fallback.1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(deploy: str, key: str, shortest: str) -> None:
    assert [mistake.key for mistake in mistakes(shortest, deploy)] == [key]


def test_models_of_one_endpoint_share_a_container(shortest: str) -> None:
    for backend in ("neo, target: ml_m5", "onnx"):
        (mistake,) = mistakes(
            shortest, "strategy: multi-model", f"compile: {{backend: {backend}}}\n"
        )
        assert mistake.key == "compile.backend"


@pytest.mark.parametrize(
    "deploy",
    [
        "strategy: serverless, provisioned_concurrency: 2, autoscale: {max: 5}",
        "strategy: realtime, instances: 2, fallback: [ml.c5.xlarge], rollout: {latency_ms: 50}",
        "strategy: realtime, autoscale: {steps: [{above: 900, add: 1}]}, trial: {kind: shadow}",
        "strategy: multi-model, endpoint: shared, instance: ml.r5.large",
        "strategy: async, max_concurrency: 4, notify: {error: 'arn:aws:sns:eu-west-1:123456789012:x'}",
        "strategy: scale-to-zero, autoscale: {max: 2}, rollout: {kind: rolling}",
        "strategy: batch, batch: {schedule: '0 4 * * *'}, capture_percent: 0",
        "strategy: inferentia, instance: ml.inf2.xlarge, instances: 2, rollout: {kind: canary}",
        "strategy: inferentia, instance: ml.inf1.xlarge",
    ],
)
def test_what_aws_takes_is_taken(deploy: str, shortest: str) -> None:
    assert deployed(shortest, deploy).deploy


def test_scaling_to_zero_needs_no_word_and_cools_down_slowly(shortest: str) -> None:
    deploy = deployed(shortest, "strategy: async").deploy
    assert deploy.scaling is not None
    assert deploy.least == 0
    assert deploy.scaling.in_cooldown > deploy.scaling.out_cooldown
    assert deployed(shortest, "strategy: realtime").deploy.scaling is None
