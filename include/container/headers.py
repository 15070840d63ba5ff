"""The headers of the request that is being served, which AWS's images do not hand to handlers.

=========================== =================================================================================
image                       keeps them in
=========================== =================================================================================
XGBoost, one model          ``flask.request``: sagemaker-containers 2.8.6 (``_worker.py``) is a Flask application
XGBoost, many models        the ``context`` of Multi Model Server, which a caller of the handler holds:
                            ``Transformer.transform(self, data, context)`` of sagemaker-inference 1.5.5
PyTorch                     the ``context`` of TorchServe, in the same way
=========================== =================================================================================

That was read in these packages' sources, and not seen on AWS.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

CALLERS = 16
"""How far up a ``context`` is looked for."""


def of_this_request() -> dict[str, str]:
    """By name in small letters; empty where they cannot be found. Raises nothing, whatever a server keeps there."""
    flask: Any = sys.modules.get("flask")
    try:
        if flask is not None and flask.has_request_context():
            found: Any = flask.request.headers
        else:
            found = _of_a_context(sys._getframe(1))
        return {str(name).lower(): str(value) for name, value in found.items()}
    except Exception:
        return {}


def _of_a_context(frame: FrameType | None) -> Mapping[Any, Any]:
    for _ in range(CALLERS):
        if frame is None:
            break
        processor = getattr(frame.f_locals.get("context"), "request_processor", None)
        if processor:
            first = processor[0] if isinstance(processor, list) else processor
            headers: Mapping[Any, Any] = first.get_request_properties()
            return headers
        frame = frame.f_back
    return {}
