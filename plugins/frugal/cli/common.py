"""What the commands share: how they take a model, print JSON and fail."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from frugal.aws.settings import Settings
from frugal.spec import ModelSpec, SpecError, find_specs, load_spec
from frugal.spec.loader import FILE_NAME

Model = Annotated[str, typer.Argument(help="The model's name: its folder in include/models.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def spec_of(model: str) -> ModelSpec:
    """The spec of the model of that name. Ends the command with its mistakes, or with the models that there are."""
    models = Settings.load().models
    known = [path.parent.name for path in find_specs(models)]
    if model not in known:
        fail(f"no model {model!r} in {models}; there are: {', '.join(known) or 'none'}")
    try:
        return load_spec(models / model / FILE_NAME)
    except SpecError as error:
        fail(error)


def known_regions() -> list[str]:
    """Names of the regions that SageMaker has, as this botocore knows them."""
    from boto3 import Session

    session = Session()
    partitions = session.get_available_partitions()
    found = (session.get_available_regions("sagemaker", name) for name in partitions)
    return sorted(region for regions in found for region in regions)


def fail(problem: object) -> NoReturn:
    """End the command with 1 and one line about why."""
    typer.echo(f"frugal: {problem}", err=True)
    raise typer.Exit(1)
