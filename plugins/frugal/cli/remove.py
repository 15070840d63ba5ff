"""`frugal remove`: everything that serves a model, gone."""

from __future__ import annotations

from typing import Annotated

import typer

from frugal.cli.common import Model, fail, spec_of
from frugal.spec import SpecError

removal = typer.Typer()


@removal.command("remove")
def remove_command(
    model: Model,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    earlier: Annotated[
        bool,
        typer.Option(
            "--earlier",
            help="Only what an earlier form or name of the deployment left, asked or not.",
        ),
    ] = False,
) -> None:
    """Remove what serves a model: scaling, alarms, components, endpoint, configurations and models.

    What is trained and registered stays, so that the model's DAG can bring it back.
    """
    from frugal.serving import remove
    from frugal.serving.chooser.auto import resolved

    spec = spec_of(model)
    try:
        found = remove.find(resolved(spec) if earlier else spec, earlier=earlier)
    except (remove.NotRemovable, SpecError) as error:
        fail(error)
    if not found.lines:
        typer.echo(f"nothing {'else ' * earlier}serves {model}")
        return
    if not yes:
        typer.echo("\n".join(found.lines))
        typer.confirm(f"Remove these {len(found.lines)}?", abort=True)
    try:
        gone = remove.remove(found)
    except remove.NotRemovable as error:
        fail(error)
    for line in gone:
        typer.echo(f"removed {line}")
