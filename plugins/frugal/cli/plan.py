"""`frugal plan`: what a run and a month of serving will cost, before anything starts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from frugal.aws.settings import Settings
from frugal.cli.advice import Region, chosen, usd
from frugal.cli.common import Json, Model, fail, spec_of
from frugal.cost.estimate import run_plan, worst_case
from frugal.cost.prices import PriceTable, price_table
from frugal.serving.chooser import choose
from frugal.serving.chooser.auto import question, resolved
from frugal.serving.chooser.choice import as_deployed
from frugal.serving.chooser.question import Question
from frugal.serving.metrics import TRACKED
from frugal.spec import ModelSpec, SpecError

MONTH = timedelta(days=365 / 12)

planning = typer.Typer()


@planning.command("plan")
def plan_command(model: Model, region: Region = None, as_json: Json = False) -> None:
    """What a run of the pipeline, and a month of serving, will cost at most."""
    try:
        document = plan_document(spec_of(model), region or Settings.load().region)
    except SpecError as error:
        fail(error)
    if as_json:
        typer.echo(json.dumps(document, indent=2))
    else:
        show_plan(document, Console())


def plan_document(spec: ModelSpec, region: str) -> dict[str, Any]:
    """A run at its worst, stage by stage, and a month of serving if model.yaml says its traffic; USD."""
    prices = price_table()
    asked = question(spec, region) if spec.deploy.traffic else None
    deployed = resolved(spec)
    stages = run_plan(deployed, region, prices)
    return {
        "model": spec.name,
        "strategy": spec.deploy.strategy,
        "region": region,
        "prices_as_of": prices.as_of,
        "run": {
            "worst": worst_case(stages),
            "budget": spec.budget.run,
            "stages": [
                {**vars(stage), "max_run": int(stage.max_run.total_seconds())} for stage in stages
            ],
        },
        "serving": _serving(spec, asked) if asked else None,
        "standing": _standing(spec, region, prices),
        "scaling": _scaling(spec, deployed),
    }


def show_plan(document: dict[str, Any], console: Console) -> None:
    """The plan for a person."""
    run, serving = document["run"], document["serving"]
    table = Table("stage", "instance", "at most", "USD", box=None, pad_edge=False)
    for stage in run["stages"]:
        minutes = f"{stage['max_run'] / 60:g} min"
        table.add_row(stage["stage"], stage["instance"], minutes, usd(stage["worst"], digits=4))
    console.print(
        f"A run of {document['model']} in {document['region']}, prices of {document['prices_as_of']}\n"
    )
    console.print(table)
    budget = f", budget.run allows {run['budget']:.2f}" if run["budget"] is not None else ""
    console.print(f"\nAt most {usd(run['worst'], digits=4)} USD{budget}.", highlight=False)
    if scaling := document["scaling"]:
        console.print(
            f"Scaled from {scaling['min']} to {scaling['max']} by a target of {scaling['target']:g}, "
            f"{scaling['source']}.",
            highlight=False,
        )
    if serving is None:
        least = f"at least {usd(document['standing'])} USD, asked or not"
        console.print(
            f"A month of serving, {document['strategy']}: {least}; with deploy.traffic in model.yaml, what it takes.",
            highlight=False,
        )
        return
    console.print(
        f"A month of serving, {serving['strategy']}: {usd(serving['monthly'])} USD "
        f"({serving['how']})."
        if serving["ruled_out"] is None
        else f"Serving as {serving['strategy']} does not do for this traffic: {serving['ruled_out']}.",
        highlight=False,
    )
    console.print(f"Cheapest for this traffic: {serving['cheapest']}.", highlight=False)


def _standing(spec: ModelSpec, region: str, prices: PriceTable) -> float | None:
    """USD a month of the least that always runs; 0 for what sleeps while nobody asks, None when unknown."""
    deploy = spec.deploy
    if deploy.host is None or deploy.strategy in ("batch", "auto") or deploy.least == 0:
        return None if deploy.provisioned_concurrency else 0.0
    fleets = 2 if deploy.trial else 1
    return prices.cost(MONTH.total_seconds(), deploy.host, region, deploy.least * fleets)


def _scaling(written: ModelSpec, deployed: ModelSpec) -> dict[str, Any] | None:
    """What scales the model: bounds, and the target with where it is from; None when nothing does."""
    deploy, own = deployed.deploy, written.deploy.autoscale
    metric = TRACKED.get(deploy.strategy)
    if deploy.scaling is None or metric is None:
        return None
    target, source = deploy.scaling.target, f"measured on {deploy.host}"
    if own and own.target:
        source = "as model.yaml says"
    elif target is None:
        target, source = metric.target, "a guess that `frugal load-test --save` replaces"
    return {"min": deploy.least, "max": deploy.scaling.max, "target": target, "source": source}


def _serving(spec: ModelSpec, asked: Question) -> dict[str, Any]:
    """The row of what model.yaml has; of the cheapest for `auto`; with the cheapest of all beside it."""
    choice = choose(asked)
    row = choice.best or choice.options[0] if spec.deploy.strategy == "auto" else as_deployed(asked)
    return {**vars(row), "cheapest": chosen(choice)}
