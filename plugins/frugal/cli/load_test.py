"""`frugal load-test`: how many requests a second a live endpoint answers in time, and what a million cost."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from frugal.aws.settings import Settings
from frugal.cli.common import Json, Model, fail, spec_of
from frugal.spec import ModelSpec

if TYPE_CHECKING:
    from frugal.serving.load_test import Measure

load_testing = typer.Typer()


@load_testing.command("load-test")
def load_test_command(
    model: Model,
    endpoint: Annotated[str | None, typer.Option(help="Default: the model's own.")] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, help="Requests a second; default: find the most within the target."),
    ] = None,
    day: Annotated[bool, typer.Option("--day", help="Replay deploy.traffic's day.")] = False,
    recorded: Annotated[
        Path | None, typer.Option(help="Replay the times in a file: seconds, one a line.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, help="Of one rate; of the whole day with --day.")
    ] = 10,
    latency_ms: Annotated[
        float | None,
        typer.Option(min=0.1, help="The p95 to keep; default: deploy.traffic's, else 1000."),
    ] = None,
    payload: Annotated[
        Path | None, typer.Option(help="CSV rows to send; default: the held-out rows.")
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep what was measured beside model.yaml, for auto.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send an endpoint requests at their times, whether or not it keeps up, and say how it did."""
    if sum([rate is not None, day, recorded is not None]) > 1:
        fail("--rate, --day and --recorded exclude each other")
    try:
        spec = spec_of(model)
        lines = payload.read_text(encoding="utf-8").splitlines() if payload else _held_out(model)
        rows = [line for line in lines if line.strip()]
        if not rows:
            raise ValueError(f"{payload or 'the held-out file'}: holds no rows to send")
        name, named = (endpoint, {}) if endpoint else _live(spec)
        if rate is None and not day and recorded is None:
            target = latency_ms or _target(spec)
            document = _search(spec, name, named, rows, seconds, target, save=save)
        elif save:
            fail("--save needs the whole test: leave --rate, --day and --recorded out")
        else:
            times = _arrivals(spec, rate, recorded, seconds)
            document = _replay(name, named, rows, times)
    except (LookupError, ValueError, OSError) as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(document, indent=2))
    else:
        _show(document, Console())


def _search(
    spec: ModelSpec,
    endpoint: str,
    named: dict[str, str],
    rows: list[str],
    seconds: float,
    target: float,
    *,
    save: bool,
) -> dict[str, Any]:
    from frugal.aws import clients
    from frugal.cost.prices import price_table
    from frugal.serving.chooser.facts import ModelFacts
    from frugal.serving.load_test.report import Host, load_test

    region = clients.client("sagemaker").meta.region_name
    test = asyncio.run(
        load_test(
            Host.of(endpoint),
            rows,
            latency_ms=target,
            seconds=seconds,
            prices=price_table(),
            region=region,
            target=named,
        )
    )
    document = {**test.as_dict(), "latency_ms": target, "simulated": clients.is_simulated()}
    if save:
        folder = Settings.load().models / spec.name
        where = "a local AWS" if document["simulated"] else f"AWS in {region}"
        source = f"measured on {datetime.now(UTC):%Y-%m-%d} by a load test of {endpoint} on {where}"
        document["saved"] = str(test.facts(ModelFacts.read(folder), source).write(folder))
    return document


def _replay(
    endpoint: str, named: dict[str, str], rows: list[str], times: list[float]
) -> dict[str, Any]:
    from frugal.serving.load_test import drive, measure
    from frugal.serving.load_test.endpoint import sender

    async def run() -> Measure:
        async with sender(endpoint, rows, **named) as send:
            return measure(await drive(send, times), max(times[-1], 1.0))

    if not times:
        raise ValueError("no request falls into the test: a longer one or more traffic has some")
    return {"endpoint": endpoint, "tried": [asyncio.run(run()).as_dict()]}


def _arrivals(
    spec: ModelSpec, rate: float | None, recorded: Path | None, seconds: float
) -> list[float]:
    from frugal.serving.load_test import arrivals

    if recorded is not None:
        return arrivals.recorded(recorded)
    if rate is not None:
        return arrivals.steady(rate, seconds)
    if spec.deploy.traffic is None:
        raise ValueError("--day replays deploy.traffic, which model.yaml does not have")
    return arrivals.day(spec.deploy.traffic, seconds)


def _show(document: dict[str, Any], console: Console) -> None:
    table = Table("requests a second", "answered", "p50", "p95", "p99", "errors", box=None)
    for tried in document["tried"]:
        errors = ", ".join(f"{count} {code}" for code, count in tried["errors"].items())
        table.add_row(
            f"{tried['offered']:,.1f}",
            f"{tried['answered']:,.1f}",
            *(_ms(tried[name]) for name in ("p50_ms", "p95_ms", "p99_ms")),
            errors or "none",
        )
    console.print(table)
    if "rate" not in document:
        return
    more = ", and perhaps more: this machine could not send faster" * document["limited_by_client"]
    price = document["usd_per_million_requests"]
    console.print(
        f"\n{document['endpoint']} ({document['instances']} {document['instance'] or 'serverless'}): "
        f"{document['rate']:,.1f} requests a second with a p95 within {document['latency_ms']:g} ms{more}; "
        f"a million cost {'unknown' if price is None else f'{price:,.3f} USD'}",
        highlight=False,
    )
    if "saved" in document:
        console.print(f"saved: {document['saved']}", highlight=False)


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f} ms"


def _target(spec: ModelSpec) -> float:
    from frugal.serving.load_test.report import target_ms

    return target_ms(spec)


def _live(spec: ModelSpec) -> tuple[str, dict[str, str]]:
    from frugal.serving.chooser.auto import resolved
    from frugal.serving.load_test.report import live

    return live(resolved(spec))


def _held_out(model: str) -> list[str]:
    from frugal.serving.load_test.report import held_out_rows

    return held_out_rows(model)
