"""The serving program of AWS's XGBoost image, in script mode, without the container.

Keeps the contract of that image (``sagemaker_xgboost_container/serving.py`` over
``sagemaker-containers`` 2.8.6): the module named by ``SAGEMAKER_PROGRAM``, found in
``SAGEMAKER_SUBMIT_DIRECTORY``, gives ``model_fn`` and either ``transform_fn`` or any of
``input_fn``, ``predict_fn`` and ``output_fn``; the missing ones have XGBoost's defaults. The model
is loaded before the port opens, so a container that answers ``/ping`` can predict. With
``SAGEMAKER_MULTI_MODEL`` it starts without one, and models come and go (``_multi_model``).

AWS's image runs one worker process per CPU; here there is one. Without ``SAGEMAKER_PROGRAM``
AWS's image serves in algorithm mode, which is not available here.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import site
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import _flask
from _codecs_xgboost import UnsupportedFormatError, decode, encode
from _http import Handler, Request, Response, error_response, invocations, serve
from _multi_model import Models
from _script_mode import (
    CODE,
    IMAGE_ENVIRONMENT,
    MODEL,
    ScriptModeError,
    fetch_code,
    install_requirements,
    layer_packages,
)

TEXT_TYPES = ("application/json", "text/csv")
"""Content types whose body reaches ``input_fn`` as ``str``; every other arrives as ``bytes``."""


def main() -> None:
    """Load the user's module and model, then serve until SIGTERM.

    Raises:
        ScriptModeError: the code, its requirements or its handlers are not usable.
    """
    program = os.environ.get("SAGEMAKER_PROGRAM")
    if not program:
        raise ScriptModeError(
            "SAGEMAKER_PROGRAM is not set: this image serves scripts only, its built-in"
            " algorithm is not available locally"
        )
    fetch_code(os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", str(CODE)))
    if install_requirements() != sys.executable:
        site.addsitedir(str(layer_packages()))
        sys.path.insert(0, str(layer_packages()))
    os.environ.update(IMAGE_ENVIRONMENT)
    sys.path[0:0] = [str(CODE)]
    _forget(Path(__file__).parent)
    multi_model = os.environ.get("SAGEMAKER_MULTI_MODEL", "").lower() == "true"
    if not multi_model and importlib.util.find_spec("flask") is None:
        sys.modules["flask"] = _flask
    module = importlib.import_module(program[:-3] if program.endswith(".py") else program)
    load = _loader(module)
    if multi_model:
        serve(Models(load).answer)
    else:
        serve(invocations(_flask.in_request_context(load(str(MODEL)))))


def _loader(module: ModuleType) -> Callable[[str], Handler]:
    """What makes, of a model's directory, what the user's module makes of a request.

    Raises:
        ScriptModeError: no ``model_fn``, or ``transform_fn`` beside one of the three it replaces.
    """
    functions = {
        name: getattr(module, name, None)
        for name in ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
    }
    parts = [name for name in ("input_fn", "predict_fn", "output_fn") if functions[name]]
    model_fn = functions["model_fn"]
    if model_fn is None:
        raise ScriptModeError(f"{module.__name__}.py: please provide a model_fn implementation")
    if functions["transform_fn"] and parts:
        raise ScriptModeError(
            f"{module.__name__}.py: cannot use transform_fn with {', '.join(parts)}"
        )
    transform = functions["transform_fn"] or _pipeline(
        functions["input_fn"] or decode,
        functions["predict_fn"] or (lambda data, model: model.predict(data)),
        functions["output_fn"] or (lambda prediction, accept: (encode(prediction, accept), accept)),
    )

    def load(directory: str) -> Handler:
        model = model_fn(directory)

        def handle(request: Request) -> Response:
            text = request.content_type in TEXT_TYPES
            content = request.body.decode("utf-8") if text else request.body
            return _response(transform(model, content, request.content_type, request.accept))

        return handle

    return load


def _pipeline(
    input_fn: Callable[..., Any], predict_fn: Callable[..., Any], output_fn: Callable[..., Any]
) -> Callable[[Any, Any, str, str], Any]:
    def transform(model: Any, content: Any, content_type: str, accept: str) -> Any:
        try:
            data = input_fn(content, content_type)
        except UnsupportedFormatError as error:
            return error_response(error, 415)
        prediction = predict_fn(data, model)
        try:
            return output_fn(prediction, accept)
        except UnsupportedFormatError as error:
            return error_response(error, 406)

    return transform


def _response(result: Any) -> Response:
    """A handler's result as Flask takes it: ``(body, content type)``, or a bare body as HTML."""
    if isinstance(result, Response):
        return result
    body, content_type = result if isinstance(result, tuple) else (result, "text/html")
    if isinstance(body, str):
        body = body.encode("utf-8")
    if not isinstance(body, (bytes, bytearray)):
        raise TypeError(
            f"output_fn or transform_fn returned a {type(body).__name__}; a body must be str or"
            " bytes, alone or as (body, content type)"
        )
    return Response(bytes(body), content_type)


def _forget(directory: Path) -> None:
    """Take this program's own directory off the path, so that it hides no module of the user."""
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != directory]


if __name__ == "__main__":
    main()
