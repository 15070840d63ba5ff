"""Operators whose first attempt dies, or waits, at a point of its life that the DAG run's params name."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, Context

from frugal.jobs.kinds import KINDS


class Fragile(BaseOperator):
    """Mixed into an operator, before it. The points: before submit, after submit, before defer, when resumed.

    "die <point>" is a SIGKILL by the process to itself, as by the kernel's out-of-memory killer; "wait <point>"
    waits for the end that somebody else brings. In the run's folder are the process's id, for whoever kills it,
    and `submitted-<attempt>` of each attempt that did.
    """

    job_kind: str
    context: Context

    def execute(self, context: Context) -> Any:
        self.context = context
        self._folder.joinpath("pid").write_text(str(os.getpid()))
        with self._struck(KINDS[self.job_kind].create):
            return super().execute(context)

    def defer(self, **arguments: Any) -> Any:
        self._reach("before defer")
        super().defer(**arguments)

    def resume_execution(self, *arguments: Any, **named: Any) -> Any:
        self.context = named.get("context") or arguments[-1]
        self._reach("when resumed")
        return super().resume_execution(*arguments, **named)

    @property
    def _folder(self) -> Path:
        return Path(self.context["params"]["folder"])

    @contextmanager
    def _struck(self, create: str) -> Iterator[None]:
        """Inside it, the AWS call `create`, and the one that updates, is a point before and a point after."""
        from botocore.client import BaseClient

        submits = {
            f"{verb}{create.removeprefix('create').title().replace('_', '')}"
            for verb in ("Create", "Update")
        }
        call = BaseClient._make_api_call

        def strike(client: Any, name: str, params: Any) -> Any:
            if name in submits:
                self._reach("before submit")
            answer = call(client, name, params)
            if name in submits:
                self._folder.joinpath(f"submitted-{self.context['ti'].try_number}").touch()
                self._reach("after submit")
            return answer

        BaseClient._make_api_call = strike
        try:
            yield
        finally:
            BaseClient._make_api_call = call

    def _reach(self, point: str) -> None:
        at = self.context["params"]["at"] if self.context["ti"].try_number == 1 else ""
        if at == f"die {point}":
            os.kill(os.getpid(), signal.SIGKILL)
        while at == f"wait {point}":
            time.sleep(0.05)
