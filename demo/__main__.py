"""`python -m demo`: see the package's docstring."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from demo import choice, screen
from demo.airflow import USER
from demo.home import EXAMPLE, DemoError, Home
from demo.story import Options, Story
from demo.watch import LIMIT_SECONDS

INTERRUPTED = 130
#: Every way of asking the demo to end.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(
    keep: Annotated[bool, typer.Option(help="Leave everything running until Ctrl-C.")] = False,
    model: Annotated[str, typer.Option(help="Which folder of include/models to run.")] = EXAMPLE,
    raw: Annotated[
        Path | None,
        typer.Option(
            help="Folder whose CSV files (.csv, .csv.gz) become the model's raw data, in place of "
            "what was there; the example model brings its own."
        ),
    ] = None,
    interrupt: Annotated[
        bool, typer.Option(help="Reclaim the spot capacity once in mid-training.")
    ] = True,
    conf: Annotated[str, typer.Option(help="The run's params, as JSON.")] = "{}",
    limit: Annotated[
        float, typer.Option(min=1, help="Seconds that the run may take before the demo gives up.")
    ] = LIMIT_SECONDS,
    json_path: Annotated[
        Path | None,
        typer.Option("--json", help="Where the summary goes; .frugal/demo.json by default."),
    ] = None,
) -> None:
    """Run the example pipeline on a real Airflow and a local AWS, and show what it cost."""
    console, home = screen.console(), Home.load()
    params = parsed(conf)
    try:
        spec = choice.read_spec(model)
        folder = choice.read_folder(raw, spec) if raw else None
    except DemoError as error:
        complain(console, error)
        raise typer.Exit(1) from None
    options = Options(model, folder, interrupt, params, json_path or home.summary, limit)
    for number in ENDINGS:
        signal.signal(number, stop)
    try:
        with Story(home, options, console) as story:
            failure = tell(story)
            if keep:
                login = f"user {USER}, password {story.airflow.secrets.password}"
                story.say(
                    f"{failure or ''}\nAirflow is at {story.airflow.url}: {login}. Ctrl-C stops it."
                )
                with contextlib.suppress(KeyboardInterrupt):
                    threading.Event().wait()
    except DemoError as error:
        failure = error
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if failure:
        complain(console, failure)
        console.print(f"Logs: {home.logs}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)


def tell(story: Story) -> DemoError | None:
    """Run the story; what went wrong once Airflow was up, None when nothing did."""
    with story.answering():
        api = story.start()
    try:
        with story.answering():
            story.run(api)
    except DemoError as error:
        return error
    return None


def complain(console: Console, failure: DemoError) -> None:
    """What went wrong, as it is, in red."""
    console.print(f"{failure}", style="red", markup=False, highlight=False, soft_wrap=True)


def parsed(conf: str) -> dict[str, Any]:
    """The JSON object in `conf`."""
    try:
        document = json.loads(conf)
    except ValueError as error:
        raise typer.BadParameter(f"--conf is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise typer.BadParameter(f"--conf must be a JSON object, not {conf}")
    return document


def stop(*_: object) -> None:
    """End as by Ctrl-C, once: who asks again still waits until nothing is left running."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    typer.run(main)
