"""The demo from start to end: AWS, raw data, Airflow, one run, the summary."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError
from rich.console import Console

from demo import account, keepsakes, seed, summary, words
from demo.airflow import Airflow
from demo.api import AirflowApi
from demo.aws import LocalAws
from demo.choice import RawFolder, listed
from demo.home import EXAMPLES, REPOSITORY, DemoError, Home
from demo.processes import Programs
from demo.screen import Screen
from demo.watch import LIMIT_SECONDS, Watcher


@dataclass(frozen=True)
class Options:
    """What the command line chose."""

    model: str
    raw: RawFolder | None
    interrupt: bool
    conf: dict[str, Any]
    json_path: Path
    limit_seconds: float = LIMIT_SECONDS
    dags: Path = REPOSITORY / "dags"


class Story:
    """Holds the running Airflow and local AWS; a context manager that leaves no process behind."""

    def __init__(self, home: Home, options: Options, console: Console) -> None:
        self.home, self.options, self.console = home, options, console
        self.began = time.monotonic()
        self.lock = home.lock()
        options.json_path.unlink(missing_ok=True)
        self.seconds: dict[str, float] = {}
        self.aws = LocalAws(home, int(os.environ.get("FRUGAL_LOCAL_AWS_PORT", "4566")))
        self.airflow = Airflow(home, aws=self.aws.environment, dags=options.dags)
        self.programs = Programs(
            Path(sys.executable), self.airflow.environment, home.logs / "keeper.log"
        )

    def __enter__(self) -> Story:
        return self

    def __exit__(self, *raised: object) -> None:
        self.programs.stop()
        self.lock.close()

    def start(self) -> AirflowApi:
        """AWS and Airflow side by side, the raw data in S3; the DAG's API when Airflow knows it."""
        self.say(f"local AWS at {self.aws.url}, Airflow at {self.airflow.url}: starting")
        self.aws.start(self.programs)
        self.airflow.prepare(Path(sys.executable))
        self.airflow.start(self.programs)
        self._bring_data()
        token = self.airflow.wait(self.programs)
        api = AirflowApi(self.airflow.url, token, f"train_{self.options.model.replace('-', '_')}")
        api.wait_for_dag(self.airflow.started, self.programs.check)
        self.seconds["start"] = self._mark("Airflow and the local AWS are up")
        return api

    def run(self, api: AirflowApi) -> dict[str, Any]:
        """One DAG run, watched to its end and summed up. Raises DemoError when anything did not work."""
        run = api.trigger(self.options.conf)
        self.say(f"run {run}: {api.page}/runs/{run}")
        interrupt, limit = self.options.interrupt, self.options.limit_seconds
        watcher = Watcher(api, self.aws, run, interrupt, self.programs.check, limit)
        with Screen(self.console, f"{self.options.model}, run {run}") as screen:
            state = watcher.follow(screen.show)
        self.seconds["run"] = self._mark(f"the run ended: {state}")
        try:
            report = summary.read_report(
                self.aws, self.options.model, watcher.results["prepare"]["id"]
            )
        except (KeyError, DemoError) as error:
            failures = api.failures(run)
            wrong = summary.reasons(failures) or [f"the run left no report: {error}"]
            failed = {"ok": False, "shortcomings": wrong, "seconds": self.seconds}
            self.write({"model": self.options.model, "state": state, "demo": failed})
            raise DemoError("\n".join([*wrong, *map(str, failures)])) from error
        return self._judge(api, run, watcher, report)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turns the errors of clients whose server went away into a DemoError that says so."""
        try:
            yield
        except BotoCoreError as error:
            log = self.programs.logs.get("local-aws", self.home.local_aws / "local-aws.log")
            raise DemoError(
                f"the local AWS at {self.aws.url} went away ({type(error).__name__}); see {log}"
            ) from error
        except httpx.TransportError as error:
            raise DemoError(
                f"Airflow at {self.airflow.url} went away ({type(error).__name__}); "
                f"see {self.home.logs / 'api-server.log'}"
            ) from error

    def say(self, text: str) -> None:
        """One plain line."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def write(self, document: dict[str, Any]) -> None:
        """The machine-readable summary."""
        self.options.json_path.parent.mkdir(parents=True, exist_ok=True)
        self.options.json_path.write_text(json.dumps(document, indent=2) + "\n")

    def _judge(
        self, api: AirflowApi, run: str, watcher: Watcher, report: dict[str, Any]
    ) -> dict[str, Any]:
        failures = api.failures(run)
        wrong = summary.shortcomings(report, failures, interrupt=self.options.interrupt)
        notes = summary.notes(report, interrupt=self.options.interrupt)
        prediction = None
        if report["state"] == "success":
            try:
                prediction = summary.predict(self.aws, report)
            except DemoError as error:
                wrong.append(str(error))
        if prediction and not summary.agrees(prediction):
            wrong.append("the endpoint does not predict what the evaluated model did")
        s3, folder = self.aws.client("s3"), self.home.keepsakes / report["model"]
        captures = keepsakes.captures_traffic(self.aws.client("sagemaker"), report)
        places = keepsakes.keep(s3, report, folder, captures=captures)
        document = report | {
            "demo": {
                "ok": not wrong,
                "shortcomings": wrong,
                "notes": notes,
                "seconds": self.seconds,
                "copies": str(folder),
                "reclaimed": watcher.interrupted,
                "prediction": prediction,
                "airflow": self.airflow.url,
                "aws": self.aws.url,
                "logs": str(self.home.logs),
            }
        }
        self.write(document)
        words.print_summary(self.console, report, prediction, notes, places)
        self.say(f"Machine-readable: {self.options.json_path}. Logs: {self.home.logs}")
        if wrong:
            raise DemoError("\n".join([*wrong, *map(str, failures)]))
        return document

    def _bring_data(self) -> None:
        options = self.options
        files = options.raw.files if options.raw else []
        if not files and options.model in EXAMPLES:
            files = seed.write_raw(self.home)
        self.aws.wait(self.programs)
        s3, mirror = self.aws.client("s3"), options.raw is not None
        account.create(s3, self.aws.client("iam"))
        seeded = seed.upload(s3, options.model, files, mirror=mirror)
        if files:
            self.say(f"raw data: {len(files)} files, {len(seeded.uploaded)} new or changed")
        if seeded.removed:
            self.say(f"raw data: removed what the folder does not hold: {listed(seeded.removed)}")
        if seeded.kept:
            self.say(f"raw data: there from before, and used: {listed(seeded.kept)}")
        if options.raw and options.raw.left_out:
            self.say(f"raw data: left out, not CSV: {listed(options.raw.left_out)}")

    def _mark(self, text: str) -> float:
        seconds = time.monotonic() - self.began
        self.say(f"{text}, {seconds:.1f} s after the demo began")
        return round(seconds, 1)
