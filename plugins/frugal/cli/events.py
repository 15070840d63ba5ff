"""`frugal events`: what tells Airflow of drift, made and taken away."""

from __future__ import annotations

import typer

from frugal.cli.common import Model, fail, spec_of

events = typer.Typer(
    no_args_is_help=True, help="What tells Airflow of drift: an EventBridge rule and its queues."
)


@events.command()
def up(model: Model) -> None:
    """Make rule, queue and dead-letter queue; what is there is brought to what it should be."""
    from frugal.events import wiring
    from frugal.stages import drift

    try:
        spec = spec_of(model)
        made = wiring.up(spec, drift.base_name(spec))
    except wiring.NotOurs as error:
        fail(error)
    for arn in made:
        typer.echo(arn)


@events.command()
def down(model: Model) -> None:
    """Delete them, with the messages in them."""
    from frugal.events import wiring

    try:
        gone = wiring.down(spec_of(model))
    except wiring.NotOurs as error:
        fail(error)
    for name in gone:
        typer.echo(f"deleted {name}")
