"""Contract of the training program: SM_* variables, arguments, code, requirements, failures."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.contract.waiting import PATIENCE_SECONDS

from .conftest import TOOLKIT, Container

TRAIN = TOOLKIT / "train.py"

REPORT = """
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd()}))
"""


def archive(**files: str) -> bytes:
    """A sourcedir.tar.gz of ``files`` (``train_py`` names ``train.py``)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def script(container: Container, text: str, **hyperparameters: object) -> None:
    container.write("source/train.py", text)
    settings = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": str(container.base / "source"),
    }
    container.configure({**settings, **hyperparameters}, "train", "validation")


def test_script_sees_hyperparameters_channels_and_directories(xgboost_container: Container) -> None:
    container = xgboost_container
    container.environment["TRAINING_JOB_NAME"] = "job-1"
    script(container, REPORT, max_depth=6, eta=0.1, booster="gbtree", n=True, sizes=[1, 2])

    done = container.run(TRAIN)

    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    environment = seen["environment"]
    assert seen["arguments"] == [
        *("--booster", "gbtree", "--eta", "0.1", "--max_depth", "6", "-n", "True"),
        *("--sizes", "[1, 2]"),
    ]
    assert Path(seen["cwd"]) == container.base / "code"
    assert environment["SM_CHANNEL_TRAIN"] == str(container.base / "input/data/train")
    assert json.loads(environment["SM_CHANNELS"]) == ["train", "validation"]
    assert environment["SM_MODEL_DIR"] == str(container.base / "model")
    assert environment["SM_OUTPUT_DATA_DIR"] == str(container.base / "output/data")
    assert environment["SM_HP_MAX_DEPTH"] == "6"
    assert json.loads(environment["SM_HPS"])["eta"] == 0.1
    assert json.loads(environment["SM_HOSTS"]) == ["localhost"]
    assert environment["SM_CURRENT_HOST"] == "localhost"
    assert environment["SM_NUM_GPUS"] == "0"
    assert environment["TRAINING_JOB_NAME"] == "job-1"
    assert (container.base / "output/success").exists()
    assert not (container.base / "output/failure").exists()


def test_failure_is_the_end_of_the_traceback(xgboost_container: Container) -> None:
    script(xgboost_container, "raise ValueError('target has no variance')\n", rounds=3)

    done = xgboost_container.run(TRAIN)

    failure = xgboost_container.read("output/failure")
    assert done.returncode == 1
    assert failure.startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 1\n")
    assert "ValueError: target has no variance" in failure
    assert 'Command "python3 -m train --rounds 3"' in failure
    assert "target has no variance" in done.stderr
    assert not (xgboost_container.base / "output/success").exists()


def test_failure_written_by_the_script_is_kept(xgboost_container: Container) -> None:
    text = "import os, sys\nopen('../output/failure', 'w').write('mine')\nsys.exit(3)\n"
    script(xgboost_container, text)

    assert xgboost_container.run(TRAIN).returncode == 3
    assert xgboost_container.read("output/failure") == "mine"


def test_job_without_a_program_is_refused(xgboost_container: Container) -> None:
    xgboost_container.configure({"eta": 0.3})

    assert xgboost_container.run(TRAIN).returncode == 1
    assert "sagemaker_program is missing" in xgboost_container.read("output/failure")


def test_archive_is_fetched_from_s3(xgboost_container: Container) -> None:
    body = archive(train_py="import helper\n", helper_py="print('helped')\n")
    asked: list[str] = []

    class Bucket(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None: ...

    container = xgboost_container
    with HTTPServer(("127.0.0.1", 0), Bucket) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        container.environment.update(
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{server.server_port}",
            AWS_ACCESS_KEY_ID="local",
            AWS_SECRET_ACCESS_KEY="local",
            AWS_DEFAULT_REGION="us-east-1",
        )
        container.configure(
            {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": "s3://bucket/model/code/abc.tar.gz",
            }
        )
        done = container.run(TRAIN)
        server.shutdown()

    assert done.returncode == 0, done.stderr
    assert "helped" in done.stdout
    assert asked[0] == "/bucket/model/code/abc.tar.gz"


def test_archive_that_leaves_its_directory_is_refused(xgboost_container: Container) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../../outside.py"))
    path = xgboost_container.write("source.tar.gz", buffer.getvalue())
    xgboost_container.configure(
        {"sagemaker_program": "train.py", "sagemaker_submit_directory": str(path)}
    )

    assert xgboost_container.run(TRAIN).returncode == 1
    assert "outside.py" in xgboost_container.read("output/failure")
    assert not list(xgboost_container.base.parent.glob("outside.py"))


def test_requirements_are_installed_for_the_job_alone(xgboost_container: Container) -> None:
    container = xgboost_container
    container.write(
        "source/extra/pyproject.toml",
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    )
    container.write("source/extra/backend.py", BACKEND)
    container.write("source/requirements.txt", "./extra\nnumpy\n")
    script(container, "import extra, numpy\nprint(extra.ANSWER, numpy.__version__)\n")

    done = container.run(TRAIN)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "42 2.1.0"
    assert container.run("-c", "import extra").returncode == 1


def test_requirements_that_cannot_be_installed_fail_the_job(xgboost_container: Container) -> None:
    xgboost_container.write("source/requirements.txt", "./nowhere\n")
    script(xgboost_container, "print('never')\n")

    done = xgboost_container.run(TRAIN)

    assert done.returncode == 1
    assert "never" not in done.stdout
    assert "InstallRequirementsError" in xgboost_container.read("output/failure")


def test_sigterm_to_the_group_reaches_the_script_and_is_awaited(
    xgboost_container: Container,
) -> None:
    text = (
        "import signal, sys, time\n"
        "def stop(*_):\n    print('checkpoint written', flush=True)\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\nprint('ready', flush=True)\ntime.sleep(3600)\n"
    )
    script(xgboost_container, text)
    process = subprocess.Popen(
        **xgboost_container.arguments(TRAIN), stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "ready":
            break

    os.killpg(process.pid, signal.SIGTERM)

    rest, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert "checkpoint written" in rest
    assert process.returncode == 0


BACKEND = """
import zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "extra-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        wheel.writestr("extra.py", "ANSWER = 42")
        wheel.writestr("extra-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: extra\\nVersion: 1\\n")
        wheel.writestr("extra-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("extra-1.dist-info/RECORD", "")
    return name
"""
