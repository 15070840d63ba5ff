"""The local AWS in the background: start, stop, look, and take its capacity away.

It is a program of its own in an environment of its own; all that is known of it here is its command
line, its /_local/ pages, and that local-aws/local-aws.port under FRUGAL_HOME holds its port. Whatever
else answers on a port, the local AWS of another state directory included, is left alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_PORT = 4566
#: How long a busy machine may take to start it, to stop it, or to answer.
PATIENCE_SECONDS = 120
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")
PASSED_ON_PREFIXES = ("PIP_", "UV_", "FRUGAL_")


class LocalAwsError(RuntimeError):
    """The local AWS does not do what it was asked; the message says what to look at."""


class NotRunning(LocalAwsError):
    """There is no local AWS of this home to be asked."""


@dataclass(frozen=True)
class LocalAws:
    """One local AWS: its state directory, the environments of its images, and its port."""

    home: Path
    port: int

    @classmethod
    def load(cls) -> LocalAws:
        """From FRUGAL_HOME and FRUGAL_LOCAL_AWS_PORT; without a port, where it runs, else 4566."""
        home = Path(os.environ.get("FRUGAL_HOME", REPOSITORY / ".frugal")).resolve()
        if port := os.environ.get("FRUGAL_LOCAL_AWS_PORT"):
            if not port.isdecimal() or not 0 < int(port) < 65536:
                raise LocalAwsError(
                    f"FRUGAL_LOCAL_AWS_PORT must be a port, 1 to 65535, not {port!r}"
                )
            return cls(home, int(port))
        return cls(home, DEFAULT_PORT).where_it_runs()

    def where_it_runs(self) -> LocalAws:
        """The same one at the port where it runs now; itself when it does not run."""
        try:
            port = int((self.state / "local-aws.port").read_text())
        except (FileNotFoundError, ValueError):
            return self
        there = replace(self, port=port)
        return there if there.status()["running"] else self

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
    def state(self) -> Path:
        """Its state directory, which tells it from any other."""
        return (self.home / "local-aws").resolve()

    @property
    def log_file(self) -> Path:
        """Its standard output and error."""
        return self.state / "local-aws.log"

    def status(self) -> dict[str, Any]:
        """{"running", "url", "log", "pid"?, "taken_by"?}; running means that it answers.

        "taken_by" says what answers at the URL in its place.
        """
        status: dict[str, Any] = {"running": False, "url": self.url, "log": str(self.log_file)}
        try:
            health = self._call("/_local/health")
        except TimeoutError:
            return {**status, "taken_by": "a program that does not answer"}
        except OSError:
            return status
        except (HTTPException, LocalAwsError):
            return {**status, "taken_by": "another program"}
        if health.get("state") != str(self.state):
            other = health.get("state", "an unknown state directory")
            return {**status, "taken_by": f"the local AWS of {other}"}
        return {**status, "running": True, "pid": health["pid"]}

    def command(self) -> list[str]:
        """Its command line. Raises LocalAwsError when its environment is not built."""
        python = self.home / "envs" / "local-aws" / "bin" / "python"
        if not python.exists():
            raise LocalAwsError(f"no environment at {python.parent.parent}: run `make envs` first")
        images = self.home / "envs" / "images"
        serve = [str(python), "-m", "local_aws", "serve", "--port", str(self.port)]
        return [*serve, "--state", str(self.state), "--envs", str(images)]

    def environment(self) -> dict[str, str]:
        """What it needs of this process's environment: no credentials, no Airflow settings."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
        }
        return {**kept, "PYTHONPATH": str(REPOSITORY / "include")}

    def start(self, faults: Path | None = None, seed: int | None = None) -> dict[str, Any]:
        """Start it unless it runs, and return its status once it answers.

        `faults` is a fault plan, `seed` what its chances are drawn from. Raises LocalAwsError when
        its environment is missing, its port is taken, it runs on another port or without the plan,
        it exits, or it takes too long.
        """
        planned = ["--faults", str(faults.resolve())] if faults else []
        planned += [] if seed is None else ["--seed", str(seed)]
        if (status := self.status())["running"]:
            if planned:
                raise LocalAwsError("it runs already: `frugal local fault add --file` adds a plan")
            return status
        if "taken_by" in status:
            raise LocalAwsError(
                f"port {self.port} is taken by {status['taken_by']}: "
                f"set FRUGAL_LOCAL_AWS_PORT to a free port for that of {self.state}"
            )
        if (elsewhere := self.where_it_runs()) != self:
            raise LocalAwsError(
                f"it runs at {elsewhere.url} already: FRUGAL_LOCAL_AWS_PORT is {self.port}, "
                f"and must be {elsewhere.port} or unset"
            )
        command = [*self.command(), *planned]
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
        """Stop it, and nothing else that has its port; returns whether it ran. Its state stays."""
        status = self.status()
        if status["running"]:
            self._terminate(int(status["pid"]))
        return bool(status["running"])

    def interrupt(self, training_job: str) -> dict[str, Any]:
        """Take the spot capacity of a running training job away.

        Raises NotRunning, or LocalAwsError with its answer when there is no such job or nothing to
        take.
        """
        return self.ask("POST", "/_local/interrupt", {"TrainingJobName": training_job})

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Its answer to one of its /_local/ pages. Raises NotRunning, or LocalAwsError with what it
        refuses."""
        if not (status := self.status())["running"]:
            taken = f", whose port is taken by {status['taken_by']}" if "taken_by" in status else ""
            raise NotRunning(f"no local AWS of {self.state} runs at {self.url}{taken}")
        return self._call(path, method, body)

    def _terminate(self, pid: int) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < deadline:
                if _is_gone(pid):
                    return
                time.sleep(0.05)

    def _call(self, path: str, method: str = "GET", body: Any = None) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise LocalAwsError(f"{self.url}{path} answered {answer.status}: {text[:200]}")
        if answer.status != HTTPStatus.OK:
            raise LocalAwsError(document.get("error", text))
        return document


def _is_gone(pid: int) -> bool:
    """Whether a process, our child or not, has ended."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        pass
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"  # its parent has not asked for its end yet
