"""`frugal events`: what tells Airflow of drift, made and taken away."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from frugal.aws.settings import Settings
from frugal.spec import ModelSpec, SpecError, load_spec
from frugal.spec.loader import FILE_NAME

eventing = typer.Typer(
    no_args_is_help=True, help="What tells Airflow of drift: an EventBridge rule and its queues."
)
Model = Annotated[str, typer.Argument(help="The model's name: its folder in include/models.")]


@eventing.command()
def up(model: Model) -> None:
    """Make rule, queue and dead-letter queue; what is there is brought to what it should be."""
    from frugal.events import wiring
    from frugal.stages import drift

    try:
        spec = _spec(model)
        made = wiring.up(spec, drift.base_name(spec))
    except (SpecError, wiring.NotOurs) as error:
        _fail(error)
    for arn in made:
        typer.echo(arn)


@eventing.command()
def down(model: Model) -> None:
    """Delete them, with the messages in them."""
    from frugal.events import wiring

    try:
        gone = wiring.down(_spec(model))
    except (SpecError, wiring.NotOurs) as error:
        _fail(error)
    for name in gone:
        typer.echo(f"deleted {name}")


def _spec(model: str) -> ModelSpec:
    return load_spec(Settings.load().models / model / FILE_NAME)


def _fail(problem: object) -> NoReturn:
    typer.echo(f"frugal: {problem}", err=True)
    raise typer.Exit(1)
