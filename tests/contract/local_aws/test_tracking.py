"""MLflow tracking servers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.waiting import await_true

from .conftest import BUCKET, ROLE


def test_a_tracking_server_is_stopped_started_and_deleted(sagemaker: Any, name: str) -> None:
    sagemaker.create_mlflow_tracking_server(
        TrackingServerName=name,
        ArtifactStoreUri=f"s3://{BUCKET}/mlflow",
        RoleArn=ROLE,
        Tags=[{"Key": "k", "Value": "v"}],
    )

    def described() -> dict[str, Any]:
        found: dict[str, Any] = sagemaker.describe_mlflow_tracking_server(TrackingServerName=name)
        return found

    def await_status(wanted: str) -> None:
        await_true(lambda: described()["TrackingServerStatus"] == wanted, f"it to be {wanted}")

    await_status("Created")
    with pytest.raises(sagemaker.exceptions.ConflictException):
        sagemaker.start_mlflow_tracking_server(TrackingServerName=name)
    assert (described()["IsActive"], described()["TrackingServerSize"]) == ("Active", "Small")
    sagemaker.update_mlflow_tracking_server(TrackingServerName=name, TrackingServerSize="Medium")
    await_status("Updated")
    sagemaker.stop_mlflow_tracking_server(TrackingServerName=name)
    await_status("Stopped")
    [entry] = [
        server
        for page in sagemaker.get_paginator("list_mlflow_tracking_servers").paginate(
            TrackingServerStatus="Stopped"
        )
        for server in page["TrackingServerSummaries"]
        if server["TrackingServerName"] == name
    ]
    assert entry["IsActive"] == "Inactive"
    sagemaker.start_mlflow_tracking_server(TrackingServerName=name)
    await_status("Started")
    assert described()["TrackingServerSize"] == "Medium"
    sagemaker.delete_mlflow_tracking_server(TrackingServerName=name)
    listed = sagemaker.list_mlflow_tracking_servers
    await_true(
        lambda: (
            name
            not in [
                s["TrackingServerName"] for s in listed(MaxResults=100)["TrackingServerSummaries"]
            ]
        ),
        "it to be gone",
    )
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        described()
