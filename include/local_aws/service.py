"""A service of AWS answered here: its operations by name, over botocore's model of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from local_aws import protocol
from local_aws.errors import AwsError, unknown_operation
from local_aws.http import Request, Response
from local_aws.sagemaker.registry import Call, Handler
from local_aws.validation import check

if TYPE_CHECKING:
    from local_aws.app import App


class Service:
    """Handlers by operation. A handler receives validated parameters and returns the output's
    members; what the output shape does not hold is dropped.

    `invalid` is the error code of a request that does not fit the model.
    """

    def __init__(self, model: str, invalid: str = "ValidationException") -> None:
        self._model_name = model
        self._invalid = invalid
        self.handlers: dict[str, Handler] = {}

    def operation(self, name: str) -> Callable[[Handler], Handler]:
        """Make a function the implementation of an operation."""

        def register(handler: Handler) -> Handler:
            self.handlers[name] = handler
            return handler

        return register

    def answer(self, app: App, request: Request) -> Response:
        """Answer a request in AWS's JSON protocol. Errors are answers too."""
        name = protocol.operation_name(request)
        try:
            return self._answer(app, request, name)
        except AwsError as error:
            return self._failure(name, error)

    def _answer(self, app: App, request: Request, name: str) -> Response:
        model = protocol.service_model(self._model_name)
        handler = self.handlers.get(name)
        if handler is None:
            raise unknown_operation(self._model_name, name or f"{request.method} {request.path}")
        operation = model.operation_model(name)
        params: dict[str, Any] = protocol.parse_body(request)
        if operation.input_shape:
            try:
                check(params, operation.input_shape)
            except AwsError as error:
                code = self._invalid if error.code == "ValidationException" else error.code
                raise AwsError(code, error.message) from error
            params = protocol.project(params, operation.input_shape)
        result = handler(Call(app, request.region), params)
        return protocol.success(result, operation)

    def _failure(self, name: str, error: AwsError) -> Response:
        """Where the service once spoke the query protocol, clients read that one's error code."""
        response = protocol.failure(error)
        model = protocol.service_model(self._model_name)
        if "awsQueryCompatible" not in model.metadata:
            return response
        shapes = {s.name: s for s in model.error_shapes}
        shape = shapes.get(error.code)
        code = shape.metadata.get("error", {}).get("code", error.code) if shape else error.code
        fault = "Sender" if error.status < 500 else "Receiver"
        response.headers.append(("x-amzn-query-error", f"{code};{fault}"))
        return response
