"""Asynchronous endpoints: requests wait in a queue, answers go to S3, and no instance runs while nothing waits."""

from __future__ import annotations

from typing import Any

from frugal.aws.run import Inputs
from frugal.serving import parts, rollout
from frugal.serving.container import container
from frugal.spec import ModelSpec


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """Model, configuration and endpoint. AWS creates it with one instance at least; scaling takes it to zero."""
    model = parts.model(spec, inputs, container(spec, inputs))
    main, others = parts.main_variant(spec, inputs, model["ModelName"])
    asked = parts.endpoint(
        spec, inputs, [model, *others], [main], AsyncInferenceConfig=_queue(spec, inputs)
    )
    return asked | rollout.guarded(spec, inputs, asked)


def _queue(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    output: dict[str, Any] = {
        "S3OutputPath": inputs.run.s3("async", "out"),
        "S3FailurePath": inputs.run.s3("async", "failed"),
    }
    notify = spec.deploy.notify
    if notify is not None:
        topics = {"SuccessTopic": notify.success, "ErrorTopic": notify.error}
        output["NotificationConfig"] = {key: topic for key, topic in topics.items() if topic}
    queue: dict[str, Any] = {"OutputConfig": output}
    if spec.deploy.max_concurrency:
        most = spec.deploy.max_concurrency
        queue["ClientConfig"] = {"MaxConcurrentInvocationsPerInstance": most}
    return queue
