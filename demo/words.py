"""The summary in words: what each stage did and cost, what the model is worth, where to look next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

Document = Mapping[str, Any]


def money(amount: float | None) -> str:
    """US dollars; a price that is not known is unknown."""
    if amount is None:
        return "unknown"
    return f"${amount:.2f}" if amount >= 1 else f"${amount:.5f}"


def size(count: float) -> str:
    """Bytes in the unit that fits."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def number(value: float) -> str:
    """A figure with four digits that matter, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def print_summary(
    console: Console,
    report: Document,
    prediction: Document | None,
    notes: Sequence[str],
    places: Sequence[str],
) -> None:
    """Everything, in the order in which a newcomer asks."""
    console.print()
    title = f"{report['model']}: {report['state']}; the run itself took {report['seconds']:.0f} s"
    console.print(Text(title, style="bold"))
    console.print(stage_table(report))
    for heading, lines in sections(report, prediction, notes, places):
        console.print(Text(heading, style="bold"))
        for line in lines:
            console.print(Text(f"  {line}"), soft_wrap=True)
    console.print()


def stage_table(report: Document) -> Table:
    """One row a stage, and the totals."""
    table = Table(
        caption=f"simulated: the jobs ran on this machine, priced as of {report['prices_as_of']}",
        caption_justify="left",
        show_footer=True,
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    table.add_column("stage", "total", no_wrap=True)
    table.add_column("state", no_wrap=True)
    totals = {"cost": report["cost"], "unoptimised": report["counterfactual_cost"]}
    for name in ("ran", "billed", "cost", "unoptimised"):
        footer = money(totals[name]) if name in totals else ""
        table.add_column(name, footer, justify="right", no_wrap=True)
    table.add_column("how")
    for stage in report["stages"]:
        table.add_row(
            stage["name"],
            stage["state"],
            f"{stage['seconds_run']:.1f} s" if stage["seconds_run"] else "",
            f"{stage['seconds_billed']:.1f} s" if stage["seconds_billed"] else "",
            money(stage["cost"]) if stage["instance"] else "",
            money(stage["counterfactual_cost"]) if stage["instance"] else "",
            Text(how(stage), style="dim"),
        )
    return table


def how(stage: Document) -> str:
    """Where the stage ran and what saved money."""
    parts = [stage["instance"], stage["technique"]]
    if count := stage["interruptions"]:
        parts.append(f"interrupted {count}x")
    return ", ".join(part for part in parts if part)


def sections(
    report: Document, prediction: Document | None, notes: Sequence[str], places: Sequence[str]
) -> Iterator[tuple[str, list[str]]]:
    """Headings and their lines, those alone that the report has something for."""
    yield "Cost", list(cost_lines(report))
    if report.get("capacity"):
        yield "Capacity", list(capacity_lines(report["capacity"]))
    if report.get("rows"):
        yield "Data", list(data_lines(report))
    if report.get("metrics"):
        yield "Model", list(model_lines(report))
    if report.get("compile"):
        yield "Compiled", list(compile_lines(report["compile"]))
    if prediction:
        yield "Live prediction", list(prediction_lines(prediction))
    if notes:
        yield "Worth knowing", list(notes)
    yield "Where to look next", list(places)


def cost_lines(report: Document) -> Iterator[str]:
    """Totals, what was saved, what the interruption cost, what goes on billing."""
    cost, without = report["cost"], report["counterfactual_cost"]
    if cost is not None and without:
        yield f"{money(cost)} instead of {money(without)}: {1 - cost / without:.0%} saved"
    if count := report["interruptions"]["count"]:
        waste = report["interruptions"]
        yield (
            f"capacity was reclaimed {count}x: {waste['seconds_waiting']:.1f} s without it (not billed), "
            f"{waste['rounds_repeated']} rounds repeated, {money(waste['cost'])}"
        )
    if hourly := (report.get("endpoint") or {}).get("hourly_cost"):
        yield f"the endpoint bills {money(hourly)} an hour for as long as it stands"


def capacity_lines(capacity: Document) -> Iterator[str]:
    """What became of each rung of the ladder, and why it was tried or left out."""
    for rung in capacity["rungs"]:
        kind = "spot" if rung["spot"] else "on-demand"
        yield (
            f"rung {rung['rung']}, {rung['instance']} {kind} in {rung['region']}: {rung['outcome']}; "
            f"{rung['reason']}"
        )
    if capacity["transfers"]:
        moved = sum(transfer["bytes"] for transfer in capacity["transfers"])
        yield f"{size(moved)} went between regions: {money(capacity['transfer_cost'])}"


def data_lines(report: Document) -> Iterator[str]:
    """Rows, bytes, and what the quality gate took out."""
    rows, stored = report["rows"], report["bytes"]
    yield (
        f"{rows['raw']:,} raw rows: {rows['train']:,} train, {rows['validation']:,} validation, "
        f"{rows['test']:,} test"
    )
    if stored and stored["parquet"]:
        yield (
            f"{size(stored['raw'])} of CSV became {size(stored['parquet'])} of Parquet, "
            f"{stored['raw'] / stored['parquet']:.1f} times smaller"
        )
    if gate := report.get("quarantine"):
        share = f"{gate['fraction']:.2%} of at most {gate['limit']:.2%}"
        yield f"{gate['rows']} rows quarantined, {share}{':' if gate['reasons'] else ''}"
        for reason, count in sorted(gate["reasons"].items(), key=lambda item: -item[1]):
            yield f"  {count:>4}  {reason}"


def model_lines(report: Document) -> Iterator[str]:
    """The gate's metric against its floor and the champion, the others, and what became of the model."""
    metrics = report["metrics"]
    name = metrics["metric"]
    figures = {name: metrics["value"], **metrics["metrics"]}
    yield "on the test split: " + ", ".join(f"{key} {number(figures[key])}" for key in figures)
    yield str(metrics["reason"])
    if package := report.get("package"):
        yield f"registered as {package['arn'].split(':')[-1]}, {package['status']}"
    if not report.get("endpoint"):
        yield "not deployed: what served before serves on"


def compile_lines(compiled: Document) -> Iterator[str]:
    """Parity, then latency before and after."""
    parity = compiled["parity"]
    if "metric" in parity:
        yield (
            f"{compiled['backend']}, {compiled['int8']} int8: {parity['metric']} {number(parity['before'])} before, "
            f"{number(parity['after'])} after ({parity['loss']:+.2%}, allowed {parity['allowed']:+.0%}) "
            f"on {parity['rows']:,} held-out rows"
        )
    else:
        verdict = "the same predictions" if parity["passed"] else "predictions moved"
        yield (
            f"{compiled['backend']}: {verdict} on {parity['rows']:,} held-out rows, "
            f"at most {parity['max_rel']:.1e} apart (allowed {parity['tolerance']:.0e})"
        )
    before, after = (compiled["latency"][when] for when in ("before", "after"))
    for percentile, microseconds in before["single_row_us"].items():
        what = f"one row, {percentile}, microseconds"
        yield compared(what, microseconds, after["single_row_us"][percentile])
    yield compared(
        f"batches of {before['batch_rows']:,}, rows a second",
        before["batch_rows_per_second"],
        after["batch_rows_per_second"],
    )
    for what, name in (
        ("MiB in use", "memory_mb"),
        ("seconds to the first answer", "cold_start_seconds"),
    ):
        yield compared(what, before[name], after[name])


def compared(what: str, before: float, after: float) -> str:
    """One figure before and after compiling."""
    return f"{what}: {number(before)} before, {number(after)} after ({after / before:.2f}x)"


def prediction_lines(prediction: Document) -> Iterator[str]:
    """What the endpoint answered, beside what it should have said and the truth."""
    yield f"{prediction['endpoint']} says {numbers(prediction['predicted'])} for a held-out row"
    if prediction["expected"] is not None:
        yield f"the evaluated model said {numbers(prediction['expected'])}"
    if prediction["actual"] is not None:
        yield f"the truth is {number(prediction['actual'])}"


def numbers(value: float | Sequence[float]) -> str:
    """One figure, or one for each class."""
    return number(value) if isinstance(value, int | float) else ", ".join(map(number, value))
