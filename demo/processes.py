"""The demo's hold on its keeper: start programs, learn which exited, stop them all."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from demo.failure import tail
from demo.home import REPOSITORY, DemoError

GRACE_SECONDS = 8.0


class Programs:
    """A context manager: what was started inside has no process left afterwards."""

    def __init__(
        self, python: Path, env: Mapping[str, str], log: Path, grace: float = GRACE_SECONDS
    ) -> None:
        self.logs: dict[str, Path] = {}
        self.pids: dict[str, int] = {}
        self.exited: dict[str, int] = {}
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            self._keeper = subprocess.Popen(
                [str(python), "-m", "demo.keeper", str(grace)],
                cwd=REPOSITORY,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self.logs["keeper"] = log
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def __enter__(self) -> Programs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def preload(self, *modules: str) -> None:
        """Import modules once for every program that is started with `fork`."""
        self._say(preload=modules)

    def start(
        self,
        name: str,
        argv: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        fork: bool = False,
    ) -> None:
        """Start a program; its output goes to `log`, which starts empty."""
        log.parent.mkdir(parents=True, exist_ok=True)
        self.logs[name] = log
        self._say(start=name, argv=list(argv), log=str(log), env=env and dict(env), fork=fork)

    def check(self) -> None:
        """Raise DemoError, with the end of its log, when a program exited by itself."""
        if self._keeper.poll() is not None:
            self.exited.setdefault("keeper", self._keeper.returncode)
        for name, code in self.exited.items():
            log = self.logs[name]
            raise DemoError(f"{name} exited with code {code}; the end of {log}:\n{end_of(log)}")

    def stop(self) -> None:
        """Stop everything; returns when no process is left."""
        if self._keeper.stdin and not self._keeper.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._keeper.stdin.close()
        self._keeper.wait()
        self._reader.join()

    def _say(self, **command: object) -> None:
        assert self._keeper.stdin
        try:
            self._keeper.stdin.write(json.dumps(command) + "\n")
            self._keeper.stdin.flush()
        except BrokenPipeError:
            self.check()
            raise

    def _listen(self) -> None:
        assert self._keeper.stdout
        for line in self._keeper.stdout:
            event = json.loads(line)
            if name := event.get("started"):
                self.pids[name] = event["pid"]
                self.exited.pop(name, None)
            elif name := event.get("exited"):
                self.exited[name] = event["code"]


def end_of(path: Path) -> str:
    """The last lines of a log that say something; says so when it has none."""
    text = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join(tail(text)) or "(empty)"
