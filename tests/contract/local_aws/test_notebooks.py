"""Notebook instances and their lifecycle configurations."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import ROLE


def create(sagemaker: Any, name: str, **more: Any) -> str:
    request = {"NotebookInstanceName": name, "InstanceType": "ml.t3.medium", "RoleArn": ROLE}
    arn: str = sagemaker.create_notebook_instance(**request, **more)["NotebookInstanceArn"]
    return arn


def status(sagemaker: Any, name: str) -> str:
    try:
        described = sagemaker.describe_notebook_instance(NotebookInstanceName=name)
    except ClientError as error:
        return "gone" if error.response["Error"]["Message"] == "RecordNotFound" else str(error)
    return str(described["NotebookInstanceStatus"])


def await_status(sagemaker: Any, name: str, wanted: str) -> None:
    await_true(lambda: status(sagemaker, name) == wanted, f"{name} to be {wanted}")


def listed(sagemaker: Any, **filters: Any) -> list[str]:
    found = sagemaker.list_notebook_instances(**filters)["NotebookInstances"]
    return [entry["NotebookInstanceName"] for entry in found]


def script(text: str) -> list[dict[str, str]]:
    return [{"Content": base64.b64encode(text.encode()).decode()}]


def test_a_notebook_goes_through_its_states_and_refuses_others(sagemaker: Any, name: str) -> None:
    arn = create(sagemaker, name, Tags=[{"Key": "k", "Value": "v"}], VolumeSizeInGB=20)
    with pytest.raises(ClientError, match=r"Status \(.*\) not in \(\[Stopped, Failed\]\)"):
        sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    with pytest.raises(ClientError, match="duplicate Notebook Instance"):
        create(sagemaker, name)
    await_status(sagemaker, name, "InService")
    assert listed(sagemaker, NameContains=name, StatusEquals="InService") == [name]
    with pytest.raises(ClientError, match=r"Unable to transition to \(Updating\)"):
        sagemaker.update_notebook_instance(NotebookInstanceName=name, VolumeSizeInGB=30)
    sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    await_status(sagemaker, name, "Stopped")
    sagemaker.update_notebook_instance(NotebookInstanceName=name, InstanceType="ml.t3.large")
    await_status(sagemaker, name, "Stopped")
    sagemaker.start_notebook_instance(NotebookInstanceName=name)
    await_status(sagemaker, name, "InService")
    described = sagemaker.describe_notebook_instance(NotebookInstanceName=name)
    assert (described["InstanceType"], described["VolumeSizeInGB"]) == ("ml.t3.large", 20)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    await_status(sagemaker, name, "Stopped")
    sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    await_status(sagemaker, name, "gone")
    with pytest.raises(ClientError, match="Could not find resource"):
        sagemaker.list_tags(ResourceArn=arn)


def test_a_lifecycle_configuration_is_kept_while_a_notebook_has_it(
    sagemaker: Any, name: str
) -> None:
    with pytest.raises(ClientError, match="does not exist"):
        create(sagemaker, name, LifecycleConfigName=name)
    sagemaker.create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName=name, OnStart=script("stop when idle")
    )
    create(sagemaker, name, LifecycleConfigName=name)
    create(sagemaker, f"{name}-other")
    with_it = {"NotebookInstanceLifecycleConfigNameContains": name}
    assert listed(sagemaker, NameContains=name, **with_it) == [name]
    remove = sagemaker.delete_notebook_instance_lifecycle_config
    with pytest.raises(ClientError, match="attached"):
        remove(NotebookInstanceLifecycleConfigName=name)
    await_status(sagemaker, name, "InService")
    sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    await_status(sagemaker, name, "Stopped")
    sagemaker.update_notebook_instance(NotebookInstanceName=name, DisassociateLifecycleConfig=True)
    remove(NotebookInstanceLifecycleConfigName=name)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_notebook_instance_lifecycle_config(
            NotebookInstanceLifecycleConfigName=name
        )
