"""Who may reach the local AWS, and what it says it does."""

from __future__ import annotations

import pytest

from local_aws.admin import operations
from local_aws.protocol import credential_scope, service_model
from local_aws.sagemaker import HANDLERS
from local_aws.server import RefusedAddress, check_address


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_is_served(host: str) -> None:
    check_address(host, allow_private=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "8.8.8.8"])
def test_anything_else_is_refused(host: str) -> None:
    with pytest.raises(RefusedAddress, match="loopback"):
        check_address(host, allow_private=False)


@pytest.mark.parametrize(
    ("host", "served"), [("172.18.0.2", True), ("0.0.0.0", False), ("8.8.8.8", False)]
)
def test_private_addresses_need_to_be_asked_for(host: str, served: bool) -> None:
    if served:
        check_address(host, allow_private=True)
    else:
        with pytest.raises(RefusedAddress):
            check_address(host, allow_private=True)


def test_the_table_of_operations_is_what_there_is() -> None:
    table = operations()["services"]["sagemaker"]
    known = set(table["executed"]) | set(table["stored"])
    assert known == set(HANDLERS)
    assert not set(table["executed"]) & set(table["stored"])
    assert known | set(table["rejected"]) == set(service_model("sagemaker").operation_names)
    assert "CreateAutoMLJobV2" in table["rejected"]


@pytest.mark.parametrize(
    ("authorization", "credential", "scope"),
    [
        (
            "AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/sagemaker/aws4_request, Signed...",
            "",
            ("sagemaker", "eu-west-1"),
        ),
        ("", "AK/20260101/eu-west-1/s3/aws4_request", ("s3", "eu-west-1")),
        ("", "", ("s3", "us-east-1")),
    ],
)
def test_requests_are_routed_by_their_scope(
    authorization: str, credential: str, scope: tuple[str, str]
) -> None:
    assert credential_scope(authorization, credential) == scope
