"""A service of AWS answered here: its operations by name, over botocore's model of it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.model import OperationModel, ServiceModel

from local_aws import protocol, query_protocol
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
        self._name = model
        self._invalid = invalid
        self.handlers: dict[str, Handler] = {}

    def operation(self, name: str) -> Callable[[Handler], Handler]:
        """Make a function the implementation of an operation."""

        def register(handler: Handler) -> Handler:
            self.handlers[name] = handler
            return handler

        return register

    @property
    def _model(self) -> ServiceModel:
        return protocol.service_model(self._name)

    def answer(self, app: App, request: Request) -> Response:
        """Answer a request in the protocol that it speaks, JSON or query. Errors are answers too."""
        try:
            _decompress(request)
            if query_protocol.is_spoken(request):
                form = query_protocol.form_of(request.read())
                operation = self._operation(form.get("Action", ""), request)
                result = self._do(app, request, operation, query_protocol.parse(form, operation))
                return query_protocol.success(result, operation)
            operation = self._operation(protocol.operation_name(request), request)
            result = self._do(app, request, operation, protocol.parse_body(request))
            return protocol.success(result, operation)
        except AwsError as error:
            return self._failure(request, error)

    def _operation(self, name: str, request: Request) -> OperationModel:
        if name not in self.handlers:
            raise unknown_operation(self._name, name or f"{request.method} {request.path}")
        return self._model.operation_model(name)

    def _do(
        self, app: App, request: Request, operation: OperationModel, params: dict[str, Any]
    ) -> dict[str, Any]:
        if operation.input_shape:
            try:
                check(params, operation.input_shape)
            except AwsError as error:
                code = self._invalid if error.code == "ValidationException" else error.code
                raise AwsError(code, error.message) from error
            params = protocol.project(params, operation.input_shape)
        result = self.handlers[operation.name](Call(app, request.region), params)
        shape = operation.output_shape
        projected: dict[str, Any] = protocol.project(result, shape) if shape else {}
        return projected

    def _failure(self, request: Request, error: AwsError) -> Response:
        """Where the service has spoken the query protocol, clients read that one's error code."""
        shapes = {shape.name: shape for shape in self._model.error_shapes}
        shape = shapes.get(error.code)
        code = shape.metadata.get("error", {}).get("code", error.code) if shape else error.code
        if query_protocol.is_spoken(request):
            return query_protocol.failure(error, code)
        response = protocol.failure(error)
        if "awsQueryCompatible" in self._model.metadata:
            fault = "Sender" if error.status < 500 else "Receiver"
            response.headers.append(("x-amzn-query-error", f"{code};{fault}"))
        return response


def _decompress(request: Request) -> None:
    """Clients compress long requests where the service's model says that they may."""
    if (request.header("Content-Encoding") or "").lower() != "gzip":
        return
    try:
        request.replace(gzip.decompress(request.read()))
    except (OSError, EOFError, zlib.error) as error:
        raise AwsError("SerializationException", f"The body is not gzip: {error}") from error
