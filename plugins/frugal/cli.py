"""The `frugal` command: thin, over the same library that the DAGs use."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from typer.core import TyperGroup

from frugal.advice import advice
from frugal.aws.settings import Settings
from frugal.eventing import eventing
from frugal.load_testing import load_testing
from frugal.local import LocalAws, LocalAwsError
from frugal.local_faults import fault
from frugal.removal import removal
from frugal.spec import SpecError, find_specs, load_spec, load_warnings
from frugal.spec.durations import parse_duration


class Commands(TyperGroup):
    """Says in a line what AWS refused, or that it did not answer, whichever command asked."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Exits with 1 on an error of AWS."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from botocore.exceptions import BotoCoreError, ClientError

            if isinstance(error, BotoCoreError | ClientError):
                _fail(str(error))
            raise


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, help=__doc__)
local = typer.Typer(no_args_is_help=True, help="The local AWS, in the background.")
app.add_typer(local, name="local")
app.add_typer(advice)
app.add_typer(load_testing)
app.add_typer(removal)
app.add_typer(eventing, name="events")
local.add_typer(fault, name="fault")

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def validate(
    files: Annotated[
        list[Path] | None, typer.Argument(help="model.yaml files; default: every model's.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check model.yaml files: every mistake at once, with its place. Exits with 1 when there is one."""
    paths = files or list(find_specs(Settings.load().models))
    if not paths:
        _fail(f"no model.yaml under {Settings.load().models}")
    reports, errors, doubts = [], [], []
    for given in paths:
        path = given / "model.yaml" if given.is_dir() else given
        try:
            spec = load_spec(path)
        except SpecError as error:
            errors.append(error)
            reports.append(error.as_dict())
        else:
            found = load_warnings(path)
            warnings = [asdict(warning) for warning in found]
            reports.append(
                {"path": str(given), "name": spec.name, "mistakes": [], "warnings": warnings}
            )
            doubts += [f"{given}: warning, {warning}" for warning in found]
    if as_json:
        typer.echo(json.dumps(reports, indent=2))
    else:
        for report in reports:
            if not report["mistakes"]:
                typer.echo(f"{report['path']}: {report['name']} is valid")
        for text in (*doubts, *map(str, errors)):
            typer.echo(text, err=True)
    if errors:
        raise typer.Exit(1)


@app.command()
def reap(
    environment: Annotated[
        str | None, typer.Option(help="FRUGAL_ENVIRONMENT of the Airflow that is gone.")
    ] = None,
    older_than: Annotated[str, typer.Option(help="Age from which it is stopped: 90m, 24h, 2d.")] = (
        "24h"
    ),
    region: Annotated[
        list[str] | None, typer.Option(help="Default: the account's, and those of every model.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stop nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Stop old jobs of an account whose Airflow is gone: by age alone, and never what serves.

    An Airflow that runs does this better, every night, in its DAG clean_up: it knows which run is over.
    """
    from frugal.cleanup.reap import without_airflow
    from frugal.jobs.reaper import NotStopped

    try:
        age = parse_duration(older_than)
    except ValueError as error:
        _fail(f"--older-than {older_than}: {error}")
    of = environment or Settings.load().environment
    try:
        reaped = without_airflow(of, age, region or [], dry_run=dry_run)
    except NotStopped as error:
        _fail(str(error))
    if as_json:
        typer.echo(json.dumps(reaped.as_json()))
        return
    verb = "to stop" if dry_run else "stopped"
    for word, items in ((verb, reaped.stopped), ("spared", reaped.spared)):
        for item in items:
            typer.echo(f"{word} {item['kind']} {item['name']} ({item['region']}): {item['reason']}")
    typer.echo(f"{len(reaped.stopped)} {verb}, {len(reaped.spared)} spared in environment {of}")


@local.command()
def start(
    faults: Annotated[Path | None, typer.Option(help="A fault plan, YAML or JSON.")] = None,
    seed: Annotated[int | None, typer.Option(help="What the faults' chances draw from.")] = None,
    as_json: Json = False,
) -> None:
    """Start it, unless it runs already."""
    _show(_try(lambda: LocalAws.load().start(faults, seed)), as_json)


@local.command()
def stop() -> None:
    """Stop it. What it holds stays for the next start."""
    aws = LocalAws.load()
    if _try(aws.stop):
        typer.echo("stopped")
    else:
        typer.echo(f"was not running{_taken(aws.status())}")


@local.command()
def status(as_json: Json = False) -> None:
    """Say whether it runs, and where. Exits with 1 when it does not."""
    state = LocalAws.load().status()
    _show(state, as_json)
    if not state["running"]:
        raise typer.Exit(1)


@local.command("env")
def env() -> None:
    """Print what points every AWS client here: eval "$(frugal local env)"."""
    aws = LocalAws.load()
    if taken := _taken(aws.status()):
        _fail(f"the local AWS is not running{taken}")
    for name, value in aws.client_environment().items():
        typer.echo(f"export {name}={value}")


@local.command()
def interrupt(training_job: Annotated[str, typer.Argument(help="TrainingJobName")]) -> None:
    """Take the spot capacity of a running training job away, as AWS may at any time."""
    _try(lambda: LocalAws.load().interrupt(training_job))
    typer.echo(f"{training_job}: capacity reclaimed")


def _try(action: Callable[[], T]) -> T:
    try:
        return action()
    except LocalAwsError as error:
        _fail(str(error))


def _show(state: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(state))
        return
    running = f"running, pid {state['pid']}" if state["running"] else f"not running{_taken(state)}"
    typer.echo(f"local AWS: {running}\nAWS_ENDPOINT_URL={state['url']}\nlog: {state['log']}")


def _taken(state: dict[str, Any]) -> str:
    return f"; {state['url']} is left alone: {state['taken_by']}" if "taken_by" in state else ""


def _fail(message: str) -> NoReturn:
    typer.echo(f"frugal: {message}", err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="frugal")
