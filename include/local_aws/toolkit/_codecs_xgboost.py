"""Default ``input_fn`` and ``output_fn`` of AWS's XGBoost image.

After ``sagemaker_xgboost_container/encoder.py`` and ``sagemaker_containers/_encoders.py``, with
their strictness: a CSV body that ends in a newline is an error there, and so it is here.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any


class UnsupportedFormatError(Exception):
    """A content type for which there is no default."""

    def __init__(self, content_type: str) -> None:
        super().__init__(
            f"Content type {content_type} is not supported by this framework.\n\nPlease implement"
            " input_fn to to deserialize the request data or an output_fn to serialize the"
            " response. For more information, see the SageMaker Python SDK README."
        )


def decode(content: str | bytes, content_type: str) -> Any:
    """A ``text/csv`` body as an ``xgboost.DMatrix``; an empty field is a missing value."""
    if content_type.split(";", maxsplit=1)[0].strip() != "text/csv":
        raise UnsupportedFormatError(content_type)
    import numpy
    import xgboost

    text = content.decode("utf-8") if isinstance(content, bytes) else content
    lines = text.split("\n")
    sniffed = csv.Sniffer().sniff(lines[0][:512]).delimiter
    delimiter = "," if sniffed.isalnum() else sniffed
    rows = [["nan" if field == "" else field for field in line.split(delimiter)] for line in lines]
    return xgboost.DMatrix(numpy.array(rows).astype(float))


def encode(prediction: Any, accept: str) -> str | bytes:
    """``prediction`` (array-like) as JSON, CSV (a row per line) or a ``.npy`` file."""
    import numpy

    array = numpy.asarray(prediction)
    if accept == "application/json":
        return json.dumps(array.tolist())
    if accept == "text/csv":
        stream = io.StringIO()
        rows = array.reshape(-1, 1) if array.ndim == 1 else array
        csv.writer(stream, lineterminator="\n").writerows(rows.tolist())
        return stream.getvalue()
    if accept == "application/x-npy":
        buffer = io.BytesIO()
        numpy.save(buffer, array)
        return buffer.getvalue()
    raise UnsupportedFormatError(accept)
