"""The serving program of AWS's PyTorch inference image, without the container and without TorchServe.

Keeps the contract of that image (``transformer.py`` of sagemaker-inference-toolkit under
sagemaker-pytorch-inference-toolkit): the module named by ``SAGEMAKER_PROGRAM`` (``inference.py``) is imported from
``/opt/ml/model/code``, so that the code travels in the archive and ``SAGEMAKER_SUBMIT_DIRECTORY`` is not read;
``code/requirements.txt`` is installed first; a missing handler has PyTorch's default; what goes wrong in a
handler is a 500 with its traceback as text. Without the module the defaults serve a TorchScript file.

AWS's image runs one worker process per CPU; here there is one.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import site
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import _codecs_pytorch as defaults
from _http import Handler, Request, Response, invocations, serve
from _script_mode import (
    CODE,
    IMAGE_ENVIRONMENT,
    MODEL,
    ScriptModeError,
    fetch_code,
    install_requirements,
    layer_packages,
)

HANDLERS = ("model_fn", "input_fn", "predict_fn", "output_fn")


def main() -> None:
    """Load the user's module and model, then serve until SIGTERM.

    Raises:
        ScriptModeError: the code or its requirements are not usable.
    """
    if (MODEL / "code").is_dir():
        fetch_code(str(MODEL / "code"))
        if install_requirements() != sys.executable:
            site.addsitedir(str(layer_packages()))
            sys.path.insert(0, str(layer_packages()))
    os.environ.update(IMAGE_ENVIRONMENT)
    own = Path(__file__).parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != own]
    sys.path[0:0] = [str(CODE)]
    serve(invocations(_loaded(os.environ.get("SAGEMAKER_PROGRAM", "inference.py"))))


def _loaded(program: str) -> Handler:
    """What answers to a request.

    Raises:
        ScriptModeError: the module has ``transform_fn`` beside one of the three that it replaces.
    """
    name = program[:-3] if program.endswith(".py") else program
    module = importlib.import_module(name) if importlib.util.find_spec(name) else None
    found = {part: getattr(module, part, None) for part in (*HANDLERS, "transform_fn")}
    transform = found["transform_fn"]
    if transform and any(found[part] for part in HANDLERS[1:]):
        raise ScriptModeError(
            "Cannot use transform_fn implementation in conjunction with input_fn, predict_fn,"
            " and/or output_fn implementation"
        )
    model_fn, input_fn, predict_fn, output_fn = (
        found[part] or getattr(defaults, part) for part in HANDLERS
    )
    answer: Callable[[Any, Any, str, str], Any] = transform or (
        lambda model, data, content_type, accept: output_fn(
            predict_fn(input_fn(data, content_type), model), accept
        )
    )
    model = model_fn(str(MODEL))

    def handle(request: Request) -> Response:
        text = request.content_type in defaults.TEXT_TYPES
        data = request.body.decode("utf-8") if text else request.body
        try:
            result = answer(model, data, request.content_type, request.accept)
        except Exception as error:
            traceback.print_exc()
            sys.stderr.flush()
            return Response(f"{error}\n{traceback.format_exc()}".encode(), "text/plain", 500)
        body, content_type = result if isinstance(result, tuple) else (result, request.accept)
        return Response(body.encode() if isinstance(body, str) else bytes(body), content_type)

    return handle


if __name__ == "__main__":
    main()
