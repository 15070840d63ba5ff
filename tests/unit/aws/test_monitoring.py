"""What an account without Model Monitor is told."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from frugal.aws import monitoring


class Missing(Exception):
    """boto3's ResourceNotFound."""


class Closed:
    """A SageMaker that has never heard of the definition, and makes none."""

    exceptions = SimpleNamespace(ClientError=ClientError, ResourceNotFound=Missing)

    def __init__(self, code: str, message: str) -> None:
        self.error: Any = {"Error": {"Code": code, "Message": message}}

    def describe_data_quality_job_definition(self, **asked: Any) -> None:
        raise Missing

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, **asked: Any) -> Iterator[Any]:
        return map(self._refuse, [asked])

    def _refuse(self, asked: Any) -> None:
        raise ClientError(self.error, "ListMonitoringSchedules")

    def create_data_quality_job_definition(self, **asked: Any) -> None:
        raise ClientError(self.error, "CreateDataQualityJobDefinition")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", "not authorized"),
        ("ValidationException", "Model Monitor is no longer open to new customers"),
    ],
)
def test_a_closed_account_hears_of_the_backend_that_works(
    monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    monkeypatch.setattr(monitoring, "client", lambda *service: Closed(code, message))
    config = {"MonitoringType": "DataQuality"}
    with pytest.raises(monitoring.Unavailable, match="backend: frugal"):
        monitoring.keep("rents-data-quality", config, {"JobDefinitionName": "rents-dq-1"}, [])


def test_nothing_is_watched_where_nothing_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = Closed("AccessDeniedException", "not authorized")
    monkeypatch.setattr(monitoring, "client", lambda *service: closed)
    assert monitoring.schedules("rents") == {}


def test_other_mistakes_are_aws_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = Closed("ValidationException", "MaxRuntimeInSeconds is too long")
    monkeypatch.setattr(monitoring, "client", lambda *service: closed)
    config = {"MonitoringType": "DataQuality"}
    with pytest.raises(ClientError, match="too long"):
        monitoring.keep("rents-data-quality", config, {"JobDefinitionName": "rents-dq-1"}, [])
