"""AWS's errors as exceptions: an error code, an HTTP status, and the message a client prints."""

from __future__ import annotations


class AwsError(Exception):
    """An error that the client is to see as `code` with `message`."""

    def __init__(self, code: str, message: str, status: int = 400, **members: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def validation(message: str) -> AwsError:
    """What SageMaker answers to most bad requests, missing models and endpoints among them."""
    return AwsError("ValidationException", message)


def not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFound", message)


def in_use(message: str) -> AwsError:
    return AwsError("ResourceInUse", message)


def limit_exceeded(message: str) -> AwsError:
    return AwsError("ResourceLimitExceeded", message)


def conflict(message: str) -> AwsError:
    return AwsError("ConflictException", message)


def unknown_operation(service: str, operation: str) -> AwsError:
    return AwsError(
        "UnknownOperationException",
        f"The local AWS does not implement {service}:{operation}. "
        "GET /_local/operations lists what it does.",
    )
