"""`frugal cleanup lifecycle`: what S3 itself is to move and remove by age, shown first and applied when approved."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated

import typer

from frugal.aws.settings import Settings
from frugal.cli.common import Json, fail
from frugal.cost.prices import price_table
from frugal.spec import SpecError, find_specs, load_spec

lifecycle = typer.Typer()


@lifecycle.command("lifecycle")
def lifecycle_command(
    apply: Annotated[
        bool, typer.Option("--apply/--diff", help="Change the bucket; default: show the diff.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --apply: do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Compare the bucket's lifecycle rules with the `retention` of every model.yaml; foreign rules stay as they are."""
    from frugal.aws import clients
    from frugal.cleanup import lifecycle_changes as bucket_rules
    from frugal.cleanup.lifecycle import Conflict, wanted

    settings, s3 = Settings.load(), clients.client("s3")
    try:
        specs = [load_spec(path) for path in find_specs(settings.models)]
    except SpecError as error:
        fail(error)
    account = clients.client("sts").get_caller_identity()["Account"]
    region = s3.meta.region_name
    bucket = settings.bucket or f"frugal-{account}-{region}"
    try:
        asked = wanted(
            specs,
            settings.environment,
            region,
            price_table(),
            partial(bucket_rules.measure, s3, bucket),
        )
    except Conflict as error:
        fail(error)
    shown = bucket_rules.changes(s3, bucket, settings.environment, asked)
    typer.echo(json.dumps(shown.as_json(), indent=2) if as_json else bucket_rules.text(shown))
    if not apply or not shown.any:
        return
    if not yes:
        typer.confirm(f"Change the lifecycle rules of {bucket}?", abort=True)
    try:
        bucket_rules.apply(s3, shown, settings.environment)
    except bucket_rules.NotAppliable as error:
        fail(error)
    if not as_json:
        typer.echo("applied")
