"""The example's handlers, as the model server calls them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container.splits import row_groups

from .conftest import Job


@pytest.fixture(scope="module")
def handlers(repository: Path) -> Any:
    path = repository / "include" / "models" / "house-prices" / "inference.py"
    spec = importlib.util.spec_from_file_location("house_prices_inference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def model(handlers: Any, trained: Job) -> Any:
    return handlers.model_fn(str(trained.base / "model"))


def answer(handlers: Any, model: Any, body: str | bytes, content_type: str) -> list[float]:
    """The prices, rounded to the float32 that they stand for."""
    prediction = handlers.predict_fn(handlers.input_fn(body, content_type), model)
    text, kind = handlers.output_fn(prediction, "text/csv")
    assert kind == "text/csv"
    return [float(np.float32(line)) for line in text.splitlines()]


def test_csv_lists_and_objects_agree(handlers: Any, model: Any, splits: Path) -> None:
    table = next(row_groups(splits / "test")).slice(0, 20)
    rows = model[1].matrix(table)
    expected = handlers.predict_fn(rows, model)
    csv = "\r\n".join(
        ",".join("" if np.isnan(v) else f"{v:.9g}" for v in row) for row in rows.tolist()
    )
    assert answer(handlers, model, csv.encode(), "text/csv; charset=utf-8") == expected.tolist()
    lists = json.dumps({"instances": [[None if v != v else v for v in r] for r in rows.tolist()]})
    assert answer(handlers, model, lists, "application/json") == expected.tolist()
    objects = json.dumps(
        table.select(model[1].features).to_pylist(), default=lambda v: v.isoformat()
    )
    assert answer(handlers, model, objects, "application/json") == expected.tolist()


def test_line_ends_and_gaps_are_those_of_any_csv(handlers: Any, model: Any) -> None:
    plain = answer(handlers, model, "1,2,3,4,5,\n1,2,3,,5,6\n", "text/csv")
    assert len(plain) == 2
    for body in ("1,2,3,4,5,\r\n1,2,3,,5,6\r\n", " 1, 2,3,4 ,5,\n\n1,2,3, ,5,6"):
        assert answer(handlers, model, body, "text/csv") == plain


def test_a_row_of_several_outputs_is_a_line(handlers: Any) -> None:
    probabilities = np.array([[0.25, 0.75], [0.5, 0.5]], dtype=np.float32)
    assert handlers.output_fn(probabilities, "text/csv") == ("0.25,0.75\n0.5,0.5\n", "text/csv")


def test_a_row_of_the_wrong_length_is_refused(handlers: Any, model: Any) -> None:
    with pytest.raises(ValueError, match=r"3 values per row; expected 6: day, rooms"):
        answer(handlers, model, "1,2,3\n", "text/csv")


def test_another_content_type_is_refused(handlers: Any, model: Any) -> None:
    with pytest.raises(ValueError, match=r"image/png.*text/csv, application/json"):
        answer(handlers, model, b"", "image/png")
