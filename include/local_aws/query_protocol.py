"""AWS's query protocol over botocore's service models: parameters from a form, answers as XML.

Clients of before 2025 speak it to services that others speak JSON to, those in AWS's images too.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import OperationModel, Shape

from local_aws.errors import AwsError
from local_aws.http import Request, Response

_TYPE = "application/x-www-form-urlencoded"
_NUMBERS = {"integer": int, "long": int, "float": float, "double": float}


def is_spoken(request: Request) -> bool:
    return (request.header("Content-Type") or "").startswith(_TYPE)


def form_of(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def parse(form: dict[str, str], operation: OperationModel) -> dict[str, Any]:
    """The operation's parameters, as its JSON protocol would have them.

    Raises `SerializationException` for a number or a boolean that is none.
    """
    found = _read(form, operation.input_shape, "") if operation.input_shape else None
    return found or {}


def _read(form: dict[str, str], shape: Any, path: str) -> Any:
    """The value at a path of the form; None when there is none."""
    if shape.type_name == "structure":
        inner = {name: f"{path}.{name}" if path else name for name in shape.members}
        values = {name: _read(form, shape.members[name], inner[name]) for name in inner}
        given = {name: value for name, value in values.items() if value is not None}
        return given or None
    if shape.type_name == "list":
        if form.get(path) == "":
            return []
        items: list[Any] = []
        while (item := _read(form, shape.member, f"{path}.member.{len(items) + 1}")) is not None:
            items.append(item)
        return items or None
    text = form.get(path)
    return None if text is None else _scalar(text, shape.type_name, path)


def _scalar(text: str, kind: str, path: str) -> Any:
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return _NUMBERS[kind](text) if kind in _NUMBERS else text
    except ValueError as error:
        message = f"{text!r} at '{path}' cannot be converted to {kind}"
        raise AwsError("SerializationException", message) from error


def success(result: dict[str, Any], operation: OperationModel) -> Response:
    """The answer; `result` has only members of the output shape, and times in epoch seconds."""
    name, shape = operation.name, operation.output_shape
    inside = f"<{name}Result>{_render(result, shape)}</{name}Result>" if shape else ""
    return _response(f"<{name}Response>{inside}{_metadata()}</{name}Response>", 200)


def failure(error: AwsError, code: str) -> Response:
    fault = "Sender" if error.status < 500 else "Receiver"
    what = f"<Type>{fault}</Type><Code>{escape(code)}</Code>"
    what += f"<Message>{escape(error.message)}</Message>"
    return _response(f"<ErrorResponse><Error>{what}</Error></ErrorResponse>", error.status)


def _render(value: Any, shape: Shape | Any) -> str:
    if shape.type_name == "structure":
        return "".join(_element(name, value[name], shape.members[name]) for name in value)
    if shape.type_name == "list":
        return "".join(_element("member", item, shape.member) for item in value)
    if shape.type_name == "map":
        pairs = ((_render(k, shape.key), _render(v, shape.value)) for k, v in value.items())
        return "".join(f"<entry><key>{k}</key><value>{v}</value></entry>" for k, v in pairs)
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if shape.type_name == "boolean":
        return "true" if value else "false"
    return escape(str(value))


def _element(name: str, value: Any, shape: Shape) -> str:
    return f"<{name}>{_render(value, shape)}</{name}>"


def _metadata() -> str:
    return f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"


def _response(body: str, status: int) -> Response:
    return Response(status, [("Content-Type", "text/xml")], body.encode())
