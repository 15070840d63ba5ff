"""The multi-model API of AWS's containers: models loaded, invoked and unloaded by name.

After the developer guide's "Custom Containers Contract for Multi-Model Endpoints", which AWS's images
keep through Multi Model Server: ``POST /models``, ``GET /models``, ``GET`` and ``DELETE
/models/{name}``, ``POST /models/{name}/invoke``. That server has a worker process per model; here
models share the process and have a lock each, so that loading one costs what reading its file costs.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from _http import Handler, Request, Response, error_response

LIMIT = "LOCAL_AWS_LOADED_MODELS"
"""Names the variable that says how many models fit into memory; one more is refused with 507, as
AWS's containers do when memory is full."""


class _Model(NamedTuple):
    url: str
    handle: Handler
    lock: threading.Lock


class Models:
    """The models that are loaded. ``load`` makes what answers for the model in a directory."""

    def __init__(self, load: Callable[[str], Handler]) -> None:
        self._load = load
        self._limit = int(os.environ.get(LIMIT, "0")) or sys.maxsize
        self._models: dict[str, _Model] = {}
        self._loading = threading.Lock()

    def answer(self, method: str, path: str, request: Request) -> Response | None:
        """The answer to a request to ``/models...``; None for any other."""
        parts = [unquote(part) for part in path.partition("?")[0].strip("/").split("/")]
        if parts[0] != "models":
            return None
        route = (method, len(parts))
        if route == ("POST", 1):
            return self._create(request)
        if route == ("GET", 1):
            return _json({"models": [_shown(name, m) for name, m in self._models.items()]})
        model = self._models.get(parts[1]) if len(parts) > 1 else None
        if model is None:
            return _json({"error": f"{method} {path}: there is no such model"}, 404)
        if route == ("GET", 2):
            return _json(_shown(parts[1], model))
        if route == ("DELETE", 2):
            self._models.pop(parts[1], None)
            return _json({"status": f'Model "{parts[1]}" unregistered'})
        if (method, parts[2:]) == ("POST", ["invoke"]):
            with model.lock:
                return _handled(model.handle, request)
        return _json({"error": f"{method} {path} is not served"}, 404)

    def _create(self, request: Request) -> Response:
        asked = json.loads(request.body)
        name, url = asked["model_name"], asked["url"]
        with self._loading:
            if name in self._models:
                return _json({"error": f'Model "{name}" is already registered'}, 409)
            if len(self._models) >= self._limit:
                return _json({"error": f'No memory to load model "{name}"'}, 507)
            try:
                handle = self._load(url)
            except MemoryError as error:
                return error_response(error, 507)
            except Exception as error:
                traceback.print_exc()
                sys.stderr.flush()
                return error_response(error, 500)
            self._models[name] = _Model(url, handle, threading.Lock())
        return _json({"status": f'Model "{name}" registered'})


class Context:
    """The part of Multi Model Server's context by which handlers may learn the request's headers.

    AWS's XGBoost image does not pass it to them: it is a local of their caller, ``Transformer.transform`` of
    sagemaker-inference 1.5.5, and so it is here.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.request_processor = [self]

    def get_request_properties(self) -> dict[str, str]:
        """The headers, as they came."""
        return dict(self.request.headers)


def _handled(handle: Handler, request: Request) -> Response:
    context = Context(request)
    try:
        return handle(context.request)
    except Exception as error:
        traceback.print_exc()
        sys.stderr.flush()
        return error_response(error, 500)


def _shown(name: str, model: _Model) -> dict[str, str]:
    return {"modelName": name, "modelUrl": model.url}


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body).encode(), "application/json", status)
