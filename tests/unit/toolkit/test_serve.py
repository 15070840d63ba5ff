"""Contract of the serving program: /ping, /invocations, handlers, defaults, errors."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.contract.waiting import PATIENCE_SECONDS

from .conftest import TOOLKIT, Container, served

HANDLERS = """
import json
def model_fn(model_dir):
    return float(open(model_dir + "/factor").read())
def input_fn(data, content_type):
    return [float(field) for field in data.split(",")]
def predict_fn(data, model):
    return [model * value for value in data]
def output_fn(prediction, accept):
    return json.dumps([prediction, accept]), "application/json"
"""

BOOSTER = """
import os, xgboost
def model_fn(model_dir):
    booster = xgboost.Booster()
    booster.load_model(os.path.join(model_dir, "xgboost-model"))
    return booster
"""

TRAIN_BOOSTER = """
import os, sys, numpy, xgboost
rows = numpy.random.default_rng(0).normal(size=(200, 3))
booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(rows, rows.sum(axis=1)), 5)
booster.save_model(sys.argv[1])
print(booster.predict(xgboost.DMatrix(numpy.array([[1.5, numpy.nan, -2.0]]))).tolist())
"""


@contextmanager
def serving(
    container: Container, code: str, **environment: str
) -> Iterator[http.client.HTTPConnection]:
    """A connection to a server of ``code``."""
    container.write("source/inference.py", code)
    container.write("model/factor", "2")
    container.environment.update(
        SAGEMAKER_PROGRAM="inference.py",
        SAGEMAKER_SUBMIT_DIRECTORY=str(container.base / "source"),
        **environment,
    )
    with served(container, TOOLKIT / "serve.py") as connection:
        yield connection


def invoke(
    connection: http.client.HTTPConnection, body: str, **headers: str
) -> tuple[int, str, str]:
    """Status, content type and body of one invocation."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", "/invocations", body, named)
    response = connection.getresponse()
    return response.status, response.headers["Content-Type"], response.read().decode()


def test_handlers_answer_on_one_connection(xgboost_container: Container) -> None:
    with serving(xgboost_container, HANDLERS) as connection:
        connection.request("GET", "/ping")
        ping = connection.getresponse()
        assert (ping.status, ping.read()) == (200, b"")
        for value in ("1,2", "3,4"):
            status, kind, body = invoke(connection, value, Content_Type="text/csv")
            assert (status, kind) == (200, "application/json")
        assert json.loads(body) == [[6.0, 8.0], "application/json"]
        connection.request("GET", "/nowhere")
        assert connection.getresponse().status == 404


def test_default_accept_comes_from_the_environment(xgboost_container: Container) -> None:
    setting = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}
    with serving(xgboost_container, HANDLERS, **setting) as connection:
        _, _, body = invoke(connection, "1", Content_Type="text/csv", Accept="*/*")
        assert json.loads(body)[1] == "text/csv"
        _, _, body = invoke(connection, "1", Content_Type="text/csv", Accept="x/y")
        assert json.loads(body)[1] == "x/y"


def test_transform_fn_replaces_the_three(xgboost_container: Container) -> None:
    code = (
        "def model_fn(model_dir): return 'm'\n"
        "def transform_fn(model, data, content_type, accept): return model + data.decode(), 'x/y'\n"
    )
    with serving(xgboost_container, code) as connection:
        assert invoke(connection, "ab", Content_Type="a/b") == (200, "x/y", "mab")


def test_defaults_are_xgboosts(xgboost_container: Container) -> None:
    model = xgboost_container.write("model/xgboost-model", b"").with_name("xgboost-model.ubj")
    done = xgboost_container.run("-c", TRAIN_BOOSTER, model)
    model.replace(model.with_name("xgboost-model"))
    expected = json.loads(done.stdout)
    with serving(xgboost_container, BOOSTER) as connection:
        csv = {"Content_Type": "text/csv"}
        status, _, body = invoke(connection, "1.5,,-2.0", **csv)
        assert (status, json.loads(body)) == (200, expected)
        _, kind, body = invoke(connection, "1.5,,-2.0\n1,1,1", Accept="text/csv", **csv)
        assert kind == "text/csv"
        assert float(body.splitlines()[0]) == pytest.approx(expected[0])
        assert len(body.splitlines()) == 2
        assert invoke(connection, "[1]", Content_Type="application/json")[0] == 415
        assert invoke(connection, "1,2,3", Accept="image/png", **csv)[0] == 406
        assert invoke(connection, "1.5,,-2.0\n", **csv)[0] == 500


def test_failing_handler_is_a_500_and_the_server_lives_on(xgboost_container: Container) -> None:
    with serving(xgboost_container, HANDLERS) as connection:
        status, _, body = invoke(connection, "one", Content_Type="text/csv")
        assert status == 500
        assert "could not convert string to float" in json.loads(body)["error-message"]
        assert invoke(connection, "1", Content_Type="text/csv")[0] == 200


def test_many_connections_are_answered(xgboost_container: Container) -> None:
    answers: list[float] = []

    def client(host: str, port: int, number: int) -> None:
        connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_SECONDS)
        for _ in range(20):
            _, _, body = invoke(connection, str(number), Content_Type="text/csv")
            answers.append(json.loads(body)[0][0] - 2 * number)

    with serving(xgboost_container, HANDLERS) as connection:
        threads = [
            threading.Thread(target=client, args=(connection.host, connection.port, number))
            for number in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [0.0] * 320


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("def predict_fn(data, model): ...", "please provide a model_fn implementation"),
        (
            "def model_fn(d): ...\ndef transform_fn(*a): ...\ndef input_fn(*a): ...",
            "cannot use transform_fn with input_fn",
        ),
        ("def model_fn(d): raise OSError('no such model')", "no such model"),
        ("import train", "No module named 'train'"),
    ],
)
def test_unusable_code_never_serves(
    xgboost_container: Container, code: str, complaint: str
) -> None:
    with pytest.raises(ChildProcessError, match=complaint), serving(xgboost_container, code):
        pass


def models(
    connection: http.client.HTTPConnection, method: str, path: str = "", body: object = None
) -> tuple[int, str]:
    """Status and body of a request to the multi-model API."""
    text = body if isinstance(body, str) else json.dumps(body)
    connection.request(method, f"/models{path}", text, {"Content-Type": "text/csv"})
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_models_come_and_go(xgboost_container: Container) -> None:
    container = xgboost_container
    for name, factor in (("two", "2"), ("three", "3"), ("none", "x")):
        container.write(f"models/{name}/model/factor", factor)

    def load(name: str) -> int:
        url = str(container.base / "models" / name / "model")
        return models(connection, "POST", body={"model_name": name, "url": url})[0]

    settings = {"SAGEMAKER_MULTI_MODEL": "true", "LOCAL_AWS_LOADED_MODELS": "2"}
    with serving(container, HANDLERS, **settings) as connection:
        assert models(connection, "POST", "/two/invoke", "1")[0] == 404
        assert load("none") == 500, "its factor is not a number"
        assert [load("two"), load("two"), load("three")] == [200, 409, 200]
        assert load("none") == 507, "two models fill the memory"
        assert json.loads(models(connection, "POST", "/two/invoke", "4")[1])[0] == [8.0]
        assert json.loads(models(connection, "POST", "/three/invoke", "4")[1])[0] == [12.0]
        listed = json.loads(models(connection, "GET")[1])["models"]
        assert [model["modelName"] for model in listed] == ["two", "three"]
        assert models(connection, "DELETE", "/two")[0] == 200
        assert models(connection, "DELETE", "/two")[0] == 404
        assert models(connection, "GET", "/two")[0] == 404
        assert models(connection, "POST", "/three/invoke", "one")[0] == 500
