"""`frugal local`: the local AWS, in the background."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from frugal.cli.common import Json, fail
from frugal.cli.faults import fault
from frugal.local import LocalAws

local = typer.Typer(no_args_is_help=True, help="The local AWS, in the background.")
local.add_typer(fault, name="fault")


@local.command()
def start(
    faults: Annotated[Path | None, typer.Option(help="A fault plan, YAML or JSON.")] = None,
    seed: Annotated[int | None, typer.Option(help="What the faults' chances draw from.")] = None,
    as_json: Json = False,
) -> None:
    """Start it, unless it runs already."""
    _show(LocalAws.load().start(faults, seed), as_json)


@local.command()
def stop() -> None:
    """Stop it. What it holds stays for the next start."""
    aws = LocalAws.load()
    if aws.stop():
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
        fail(f"the local AWS is not running{taken}")
    for name, value in aws.client_environment().items():
        typer.echo(f"export {name}={value}")


@local.command()
def interrupt(training_job: Annotated[str, typer.Argument(help="TrainingJobName")]) -> None:
    """Take the spot capacity of a running training job away, as AWS may at any time."""
    LocalAws.load().interrupt(training_job)
    typer.echo(f"{training_job}: capacity reclaimed")


def _show(state: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(state))
        return
    running = f"running, pid {state['pid']}" if state["running"] else f"not running{_taken(state)}"
    typer.echo(f"local AWS: {running}\nAWS_ENDPOINT_URL={state['url']}\nlog: {state['log']}")


def _taken(state: dict[str, Any]) -> str:
    return f"; {state['url']} is left alone: {state['taken_by']}" if "taken_by" in state else ""
