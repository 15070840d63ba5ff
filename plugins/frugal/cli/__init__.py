"""The `frugal` command: thin, over the same library that the DAGs use."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from frugal.aws.settings import Settings
from frugal.cli.advice import advice
from frugal.cli.cleanup import cleanup, restoring
from frugal.cli.common import Json, fail, known_regions
from frugal.cli.events import events
from frugal.cli.load_test import load_testing
from frugal.cli.local import local
from frugal.cli.plan import planning
from frugal.cli.remove import removal
from frugal.local import LocalAwsError
from frugal.spec import SpecError, find_specs, load_spec, load_warnings
from frugal.spec.durations import parse_duration

#: What to do where nothing says which AWS is meant.
WHERE = (
    'Set AWS_DEFAULT_REGION and credentials, or for the local AWS: eval "$(bin/frugal local env)"'
)


class Commands(TyperGroup):
    """Says in a line what AWS or the local AWS refused, or that it did not answer, whichever command asked."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Exits with 1 on an error of AWS, or of the local one."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from botocore.exceptions import (
                BotoCoreError,
                ClientError,
                NoCredentialsError,
                NoRegionError,
            )

            if isinstance(error, NoRegionError | NoCredentialsError):
                fail(f"{error} {WHERE}")
            if isinstance(error, BotoCoreError | ClientError | LocalAwsError):
                fail(str(error))
            raise


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    help="Models in include/models: check them, know what they cost, run them here, and keep the account clean.",
)
app.add_typer(local, name="local")
app.add_typer(advice)
app.add_typer(planning)
app.add_typer(load_testing)
app.add_typer(removal)
app.add_typer(cleanup, name="cleanup")
app.add_typer(restoring)
app.add_typer(events, name="events")


@app.command()
def validate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="model.yaml files, or models' folders; default: every model's."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check model.yaml files: every mistake at once, with its place. Exits with 1 when there is one."""
    paths = files or list(find_specs(Settings.load().models))
    if not paths:
        fail(f"no model.yaml under {Settings.load().models}")
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
        fail(f"--older-than {older_than}: {error}")
    for given in region or []:
        if given not in (known := known_regions()):
            fail(f"--region {given}: no region of SageMaker; allowed: {', '.join(known)}")
    of = environment or Settings.load().environment
    try:
        reaped = without_airflow(of, age, region or [], dry_run=dry_run)
    except NotStopped as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(reaped.as_json()))
        return
    verb = "to stop" if dry_run else "stopped"
    for word, items in ((verb, reaped.stopped), ("spared", reaped.spared)):
        for item in items:
            typer.echo(f"{word} {item['kind']} {item['name']} ({item['region']}): {item['reason']}")
    typer.echo(f"{len(reaped.stopped)} {verb}, {len(reaped.spared)} spared in environment {of}")
