"""The serving program of Neo's XGBoost image: CSV in, CSV out, no user code.

After ``container/neo_template_xgboost.py`` of neo-ai-dlr, quirks included: a missing value has to
be written ``nan``, one prediction per row comes back as a single line, and every failure but a
wrong content type is a 500 without its reason (which is in the log). LibSVM is not taken locally.
"""

from __future__ import annotations

import csv
import io
import os
import traceback
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import dlr
import numpy as np
from _http import Handler, Request, Response, invocations, serve
from numpy.typing import NDArray

MODEL = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")) / "model"


def handler(model: dlr.DLRModel) -> Handler:
    """What the image makes of a request."""

    def handle(request: Request) -> Response:
        if request.content_type != "text/csv":
            text = (
                'ClientError: Invalid content type. Accepted content types are "text/libsvm" and'
                f' "text/csv". Received {request.content_type}'
            )
            return Response(text.encode(), "text/plain", 400)
        try:
            lines = request.body.decode("utf-8").rstrip().split("\n")
            delimiter = csv.Sniffer().sniff(lines[0]).delimiter
            rows = np.array([line.split(delimiter) for line in lines]).astype(float)
            return Response(_as_csv(model.run(rows)[0]), "text/csv")
        except Exception:
            traceback.print_exc()
            return Response(b"Internal Server Error occured", "text/plain", 500)

    return handle


def _as_csv(predictions: NDArray[np.float32]) -> bytes:
    if predictions.shape[1] == 1:
        predictions = predictions.reshape(1, -1)
    stream = io.StringIO()
    np.savetxt(stream, predictions, delimiter=",", newline="\n")
    return stream.getvalue().encode()


if __name__ == "__main__":
    serve(invocations(handler(dlr.DLRModel(str(MODEL)))))
