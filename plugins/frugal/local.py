"""The local AWS in the background: start, stop, look, and take its capacity away.

It is a program of its own in an environment of its own; all that is known of it here is its command
line and its /_local/ pages. While it runs, local-aws/local-aws.pid under FRUGAL_HOME holds its id.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")
PASSED_ON_PREFIXES = ("PIP_", "UV_", "FRUGAL_")


class LocalAwsError(RuntimeError):
    """The local AWS does not do what it was asked; the message says what to look at."""


@dataclass(frozen=True)
class LocalAws:
    """One local AWS: its state directory, the environments of its images, and its port."""

    home: Path
    port: int

    @classmethod
    def load(cls) -> LocalAws:
        """From FRUGAL_HOME and FRUGAL_LOCAL_AWS_PORT."""
        home = Path(os.environ.get("FRUGAL_HOME", REPOSITORY / ".frugal")).resolve()
        return cls(home, int(os.environ.get("FRUGAL_LOCAL_AWS_PORT", "4566")))

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL is set to for everything that shall use it."""
        return f"http://127.0.0.1:{self.port}"

    def client_environment(self) -> dict[str, str]:
        """Environment variables with which any AWS client talks to this one, and to no real account."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    @property
    def log_file(self) -> Path:
        """Its standard output and error."""
        return self.home / "local-aws" / "local-aws.log"

    def status(self) -> dict[str, Any]:
        """{"running", "url", "pid"?, "log"}; running means that it answers."""
        state: dict[str, Any] = {"running": False, "url": self.url, "log": str(self.log_file)}
        try:
            health = self._call("/_local/health")
        except (HTTPException, LocalAwsError, OSError):
            return state
        return {**state, "running": True, "pid": health.get("pid")}

    def command(self) -> list[str]:
        """Its command line. Raises LocalAwsError when its environment is not built."""
        python = self.home / "envs" / "local-aws" / "bin" / "python"
        if not python.exists():
            raise LocalAwsError(f"no environment at {python.parent.parent}: run `make envs` first")
        state, images = self.home / "local-aws", self.home / "envs" / "images"
        serve = [str(python), "-m", "local_aws", "serve", "--port", str(self.port)]
        return [*serve, "--state", str(state), "--envs", str(images)]

    def environment(self) -> dict[str, str]:
        """What it needs of this process's environment: no credentials, no Airflow settings."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
        }
        return {**kept, "PYTHONPATH": str(REPOSITORY / "include")}

    def start(self) -> dict[str, Any]:
        """Start it unless it runs, and return its status once it answers.

        Raises LocalAwsError when its environment is missing, it exits, or it takes too long.
        """
        if (status := self.status())["running"]:
            return status
        command = self.command()
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self.environment(),
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise LocalAwsError(
                    f"the local AWS ended with status {process.returncode}; see {self.log_file}"
                )
            if (status := self.status())["running"]:
                return status
            time.sleep(0.05)
        self._terminate(process.pid)
        raise LocalAwsError(
            f"the local AWS did not answer at {self.url} in time; see {self.log_file}"
        )

    def stop(self) -> bool:
        """Stop the one that answers; returns whether there was one. Its state stays."""
        status = self.status()
        if status["running"]:
            self._terminate(int(status["pid"]))
        return bool(status["running"])

    def interrupt(self, training_job: str) -> dict[str, Any]:
        """Take the spot capacity of a running training job away.

        Raises LocalAwsError with its answer when there is no such job, or nothing to take.
        """
        return self._call("/_local/interrupt", {"TrainingJobName": training_job})

    def _terminate(self, pid: int) -> None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if os.waitpid(pid, os.WNOHANG)[0] == pid:
                    return
            except ChildProcessError:
                if not Path(f"/proc/{pid}").exists():
                    return
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)

    def _call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            method = "GET" if body is None else "POST"
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise LocalAwsError(text)
        document: dict[str, Any] = json.loads(text)
        return document
