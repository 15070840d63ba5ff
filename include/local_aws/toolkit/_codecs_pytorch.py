"""Default handlers of AWS's PyTorch inference image.

After ``default_pytorch_inference_handler.py`` of sagemaker-pytorch-inference-toolkit 2.0.26 and its decoder and
encoder, on the CPU. Pickled arrays in ``.npy`` are refused, which AWS's image takes.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

TEXT_TYPES = ("application/json", "text/csv")
"""Content types whose body reaches ``input_fn`` as ``str``; every other arrives as ``bytes``."""


class UnsupportedFormatError(Exception):
    """A content type for which there is no default."""

    def __init__(self, content_type: str) -> None:
        super().__init__(
            f"Content type {content_type} is not supported by this framework.\n\nPlease implement"
            " input_fn to to deserialize the request data or an output_fn to\nserialize the"
            " response. For more information, see the SageMaker Python SDK README."
        )


def model_fn(model_dir: str) -> Any:
    """``model.pt``, or the one ``.pt`` or ``.pth`` file, as TorchScript."""
    import torch

    path = Path(model_dir) / "model.pt"
    if not path.exists():
        found = [file for file in Path(model_dir).iterdir() if file.suffix in (".pt", ".pth")]
        if len(found) != 1:
            names = [file.name for file in found]
            raise ValueError(
                f"Exactly one .pth or .pt file is required for PyTorch models: {names}"
            )
        path = found[0]
    try:
        return torch.jit.load(str(path), map_location="cpu")
    except RuntimeError as error:
        raise ValueError(
            f"Failed to load {path}. Please ensure model is saved using torchscript."
        ) from error


def input_fn(data: str | bytes, content_type: str) -> Any:
    """A tensor of a JSON, CSV or ``.npy`` body."""
    import numpy
    import torch

    if content_type == "application/json":
        return torch.FloatTensor(numpy.array(json.loads(data)))
    if content_type == "text/csv":
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        return torch.FloatTensor(numpy.genfromtxt(io.StringIO(text), delimiter=","))
    if content_type == "application/x-npy" and isinstance(data, bytes):
        return torch.from_numpy(numpy.load(io.BytesIO(data)))
    raise UnsupportedFormatError(content_type)


def predict_fn(data: Any, model: Any) -> Any:
    """What the model makes of a tensor."""
    import torch

    with torch.no_grad():
        return model.eval()(data)


def output_fn(prediction: Any, accept: str) -> str | bytes:
    """A tensor, or what is like an array, as JSON, CSV (a row per line) or a ``.npy`` file."""
    import numpy
    import torch

    if isinstance(prediction, torch.Tensor):
        prediction = prediction.detach().cpu().numpy().tolist()
    for wanted in (part.split(";")[0].strip() for part in accept.split(",")):
        if wanted == "application/json":
            return json.dumps(prediction, default=lambda value: value.tolist())
        if wanted == "text/csv":
            stream = io.StringIO()
            numpy.savetxt(stream, prediction, delimiter=",", fmt="%s")
            return stream.getvalue().encode()
        if wanted == "application/x-npy":
            buffer = io.BytesIO()
            numpy.save(buffer, prediction)
            return buffer.getvalue()
    raise UnsupportedFormatError(accept)
