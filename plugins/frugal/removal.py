"""`frugal remove`: everything that serves a model, gone."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from frugal.aws.settings import Settings
from frugal.spec import ModelSpec, SpecError, load_spec
from frugal.spec.loader import FILE_NAME

removal = typer.Typer()


@removal.command("remove")
def remove_command(
    model: Annotated[str, typer.Argument(help="The model's name: its folder in include/models.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove what serves a model: scaling, alarms, components, endpoint, configurations and models.

    What is trained and registered stays, so that the model's DAG can bring it back.
    """
    from frugal.serving import remove

    try:
        found = remove.find(_spec(model))
    except (SpecError, remove.NotRemovable) as error:
        _fail(error)
    if not found.lines:
        typer.echo(f"nothing serves {model}")
        return
    if not yes:
        typer.echo("\n".join(found.lines))
        typer.confirm(f"Remove these {len(found.lines)}?", abort=True)
    try:
        gone = remove.remove(found)
    except remove.NotRemovable as error:
        _fail(error)
    for line in gone:
        typer.echo(f"removed {line}")


def _spec(model: str) -> ModelSpec:
    return load_spec(Settings.load().models / model / FILE_NAME)


def _fail(problem: object) -> NoReturn:
    typer.echo(f"frugal: {problem}", err=True)
    raise typer.Exit(1)
