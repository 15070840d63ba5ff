"""JobOperator and endpoints: only ours are touched."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from frugal.jobs.operator import JobOperator
from frugal.jobs.outcome import AlgorithmFailed
from tests.contract.jobs.conftest import BUCKET, IMAGE, ROLE, Account


def request(name: str) -> dict[str, Any]:
    tags = [{"Key": "ManagedBy", "Value": "frugal"}]
    return {
        "Models": [
            {
                "ModelName": name,
                "ExecutionRoleArn": ROLE,
                "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"},
            }
        ],
        "EndpointConfig": {
            "EndpointConfigName": name,
            "ProductionVariants": [
                {
                    "VariantName": "main",
                    "ModelName": name,
                    "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
                }
            ],
        },
        "Endpoint": {"EndpointName": name, "EndpointConfigName": name, "Tags": tags},
    }


def test_an_endpoint_of_somebody_else_is_left_alone(account: Account) -> None:
    name = f"theirs-{uuid.uuid4().hex[:8]}"
    theirs = request(name)
    account.sagemaker.create_model(**theirs["Models"][0])
    account.sagemaker.create_endpoint_config(**theirs["EndpointConfig"])
    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    ours = request(f"{name}-ours")
    ours["Endpoint"]["EndpointName"] = name
    job = JobOperator(
        task_id="deploy",
        kind="endpoint",
        base_name=name,
        requests=[lambda inputs: ours],
        upstream=["prepare"],
    )
    with pytest.raises(AlgorithmFailed, match="without the tag ManagedBy=frugal"):
        job.execute(account.context("deploy"))
    assert account.sagemaker.list_models(NameContains=f"{name}-ours")["Models"] == []
    described = account.sagemaker.describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] in ("Creating", "InService", "Failed")
    configs = account.sagemaker.list_endpoint_configs(NameContains=f"{name}-ours")
    assert configs["EndpointConfigs"] == []
