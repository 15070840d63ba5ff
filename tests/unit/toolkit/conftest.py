"""The image environments, and a container's base directory, for tests of what runs in them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.contract.waiting import PATIENCE_SECONDS

INCLUDE = Path(__file__).resolve().parents[3] / "include"
TOOLKIT = INCLUDE / "local_aws" / "toolkit"

OBJECTIVES = (
    *("reg:squarederror", "reg:gamma", "reg:logistic", "binary:logistic", "binary:hinge"),
    *("multi:softprob", "multi:softmax"),
)


@dataclass
class Container:
    """A base directory laid out as ``/opt/ml``, and the environment of its processes."""

    base: Path
    python: str
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, content: str | bytes | Mapping[str, Any]) -> Path:
        """Write a file below the base directory; a mapping becomes JSON."""
        target = self.base / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            target.write_text(content if isinstance(content, str) else json.dumps(content))
        return target

    def read(self, path: str) -> str:
        """Text of a file below the base directory."""
        return (self.base / path).read_text()

    def configure(self, hyperparameters: Mapping[str, Any], *channels: str) -> None:
        """Write ``input/config`` as SageMaker does: every hyperparameter a JSON-encoded string."""
        encoded = {name: json.dumps(value) for name, value in hyperparameters.items()}
        self.write("input/config/hyperparameters.json", encoded)
        self.write(
            "input/config/inputdataconfig.json",
            {name: {"TrainingInputMode": "File"} for name in channels},
        )
        self.write(
            "input/config/resourceconfig.json",
            {
                "current_host": "localhost",
                "hosts": ["localhost"],
                "network_interface_name": "eth0",
            },
        )

    def arguments(self, *command: str | Path) -> dict[str, Any]:
        """Keyword arguments for ``subprocess``: the command in a scrubbed environment."""
        passed = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "UV_", "SSL_CERT"))
        }
        return {
            "args": [self.python, *map(str, command)],
            "env": {
                "PATH": f"{Path(self.python).parent}:/usr/bin:/bin",
                "HOME": str(self.base),
                "SAGEMAKER_BASE_DIR": str(self.base),
                **passed,
                **self.environment,
            },
            "text": True,
        }

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a file with the image's Python to its end."""
        return subprocess.run(
            **self.arguments(*command), capture_output=True, timeout=PATIENCE_SECONDS
        )


@pytest.fixture
def xgboost_container(tmp_path: Path, python_of: Callable[[str], Path]) -> Container:
    """A container of the XGBoost image."""
    return Container(tmp_path / "ml", str(python_of("images/xgboost-3.0-5")))


@pytest.fixture
def neo_container(tmp_path: Path, python_of: Callable[[str], Path]) -> Container:
    """A container of Neo's XGBoost image."""
    return Container(tmp_path / "neo", str(python_of("images/neo-xgboost")))


@contextmanager
def served(container: Container, program: Path) -> Iterator[http.client.HTTPConnection]:
    """A connection to a model server that answers pings, on a port that it found free itself.

    Raises:
        ChildProcessError: it ended before; the text is what it said.
    """
    container.environment["SAGEMAKER_BIND_TO_PORT"] = "0"
    said = container.write("server.log", "")
    with said.open("w") as log:
        process = subprocess.Popen(
            **container.arguments(program), stdout=subprocess.PIPE, stderr=log
        )
    assert process.stdout is not None
    try:
        lines = iter(process.stdout.readline, "")
        address = next((line for line in lines if line.startswith("Serving on ")), None)
        if address is None:
            process.wait(PATIENCE_SECONDS)
            raise ChildProcessError(said.read_text())
        port = int(address.rpartition(":")[2])
        yield http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]) -> Path:
    """Boosters trained by ``models.py`` in the XGBoost image, one folder per objective."""
    directory = tmp_path_factory.mktemp("trained")
    subprocess.run(
        [
            *(python_of("images/xgboost-3.0-5"), Path(__file__).with_name("models.py")),
            *(directory, *OBJECTIVES),
        ],
        env={"PYTHONPATH": str(INCLUDE), "OMP_NUM_THREADS": "1"},
        check=True,
    )
    return directory
