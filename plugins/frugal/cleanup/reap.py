"""Where the reaper goes: after every run, every night, and by hand when no Airflow is left."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frugal.aws import clients, registry
from frugal.aws.settings import Settings
from frugal.jobs.reaper import Reaped, Reaper
from frugal.jobs.witness import ThisAirflow
from frugal.spec import ModelSpec, SpecError, find_specs, load_spec

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


def leftovers(context: Context, specs: Iterable[ModelSpec]) -> Reaped:
    """Stop what the context's DAG run left running, in every region that `specs` may train in."""
    ti: Any = context["ti"]
    return _reaper(context).reap({home(), *regions(specs)}, run=(ti.dag_id, ti.run_id))


def everything(context: Context, *, dry_run: bool = False) -> Reaped:
    """Stop what bills for nobody in this environment, in every region that a model may train in."""
    return _reaper(context, dry_run).reap({home(), *regions(known_specs())})


def without_airflow(
    environment: str, older_than: timedelta, given: Iterable[str], *, dry_run: bool = False
) -> Reaped:
    """Stop what is `older_than`, in the regions `given` or else the account's default and the models' ones.

    For an account whose Airflow is gone: nobody is asked, and nothing of Airflow is needed.
    """
    import boto3
    from botocore.config import Config

    session = boto3.Session()

    def connect(service: str, region: str | None) -> Any:
        return session.client(service, region_name=region, config=Config(retries=clients.RETRIES))

    chosen = set(given) or {connect("sagemaker", None).meta.region_name, *regions(known_specs())}
    reaper = Reaper(connect, environment, older_than=older_than, dry_run=dry_run)
    return reaper.reap(chosen)


def home() -> str:
    """The region of Airflow's connection."""
    region: str = clients.client("sagemaker").meta.region_name
    return region


def regions(specs: Iterable[ModelSpec]) -> set[str]:
    """The regions besides home that models may train in."""
    return {rung.region for spec in specs for rung in spec.train.capacity if rung.region}


def known_specs(models: Path | None = None) -> Iterator[ModelSpec]:
    """Every model.yaml that can be read; one with mistakes cannot have started anything since it has them."""
    for path in find_specs(models or Settings.load().models):
        try:
            yield load_spec(path)
        except SpecError as error:
            log.warning("Its regions are not looked at: %s", error)


def _reaper(context: Context, dry_run: bool = False) -> Reaper:
    return Reaper(
        clients.client,
        Settings.load().environment,
        ThisAirflow(context["ti"]),
        promoted=registry.is_promoted,
        dry_run=dry_run,
    )
