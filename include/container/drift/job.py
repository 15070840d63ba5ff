"""Reads a window, tests it against the baseline and writes what was found."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from container import reference
from container.drift import checks, documents, plots, report, truth
from container.drift.checks import DRIFT, OK, UNKNOWN, Check
from container.drift.limits import Limits
from container.drift.quality import quality
from container.drift.sample import Sample
from container.drift.window import CategoryColumn, Column, Window
from container.features import FeatureSchema
from container.paths import load_spec, processing_input, processing_output, write_exit_message

TIME = ("date", "datetime")


class Baseline:
    """What `container.baseline` left, and `container.evaluate` where it is given."""

    def __init__(self, data: Mapping[str, Any], directory: Path, evaluation: Path) -> None:
        self.statistics = json.loads((directory / "statistics.json").read_text(encoding="utf-8"))
        self.constraints = json.loads((directory / "constraints.json").read_text(encoding="utf-8"))
        self.rows = reference.read_rows(directory)
        self.test = reference.read_predictions(evaluation)
        columns = [*data["features"], data["target"]]
        domains = {
            feature["name"]: feature["string_constraints"]["domains"]
            for feature in self.constraints["features"]
            if "string_constraints" in feature
        }
        self.schema = FeatureSchema(
            list(data["features"]),
            data["target"],
            {name: data["columns"][name]["type"] for name in columns},
            domains,
        )
        self._features = {feature["name"]: feature for feature in self.statistics["features"]}

    def numbers(self, name: str) -> tuple[Sample, float]:
        """A column's sample and standard deviation."""
        return spread(self.rows[name])

    def counts(self, name: str) -> Any:
        """How often each category of a column came, in the order of its domain."""
        found = self._features[name]["string_statistics"]["distribution"]["categorical"]["buckets"]
        by_value = {bucket["value"]: bucket["count"] for bucket in found}
        return np.array([by_value.get(value, 0) for value in self.schema.categories[name]])

    def presence(self, name: str) -> tuple[int, int]:
        """Values that are present and missing."""
        feature = self._features[name]
        numbers = feature.get("numerical_statistics") or feature["string_statistics"]
        common = numbers["common"]
        return common["num_present"], common["num_missing"]


def spread(values: Any) -> tuple[Sample, float]:
    """A sample of what is there, and its standard deviation."""
    there = values[~np.isnan(values)].astype(np.float32)
    return Sample.distinct(there), float(there.std(dtype=np.float64)) if len(there) else 0.0


def main() -> None:
    """Write drift.json, report.html and Model Monitor's files, and the exit message."""
    spec = load_spec()
    limits = Limits.of(spec["monitor"])
    baseline = Baseline(spec["data"], processing_input("baseline"), processing_input("evaluation"))
    known = truth.read(processing_input("truth"), spec["data"]["target"])
    window, matched = Window.read(
        processing_input("captured"),
        baseline.schema,
        limits.memory_mib,
        None if known is None else known.keys,
    )
    asked = [*ask(baseline, window, limits)]
    if known is not None and baseline.test is not None:
        matched = matched[np.isfinite(matched[:, 1])]
        places = matched[:, 0].astype(int)
        labelled = (matched[:, 1], known.labels[places])
        asked.append(quality(spec["evaluate"]["metric"], baseline.test, labelled, limits))
    checks.decide(asked, limits)
    broken = documents.violations(window, asked, limits)
    verdict, reason = conclude(window, asked, broken, limits)
    found = {
        "version": 1,
        "model": spec["name"],
        "name": os.environ.get("FRUGAL_WINDOW", ""),
        "verdict": verdict,
        "reason": reason,
        "window": describe(window, matched, known),
        "limits": asdict(limits),
        "checks": [{**asdict(check), "decides": check.decides} for check in asked],
        "violations": len(broken),
    }
    output = processing_output("drift")
    write(output / "statistics.json", documents.statistics(window))
    write(output / "constraints.json", documents.constraints(window, baseline.constraints))
    write(output / "constraint_violations.json", {"violations": broken})
    write(output / "drift.json", found)
    page = report.render(found, broken, pictures(baseline, window))
    (output / "report.html").write_text(page, encoding="utf-8")
    write_exit_message(
        f"CompletedWithViolations: Job completed successfully with {len(broken)} violations. {reason}"
        if broken
        else f"Completed: Job completed successfully with no violations. {reason}"
    )
    print(json.dumps({"verdict": verdict, "reason": reason, "rows": window.rows}), flush=True)


def ask(baseline: Baseline, window: Window, limits: Limits) -> list[Check]:
    """Every check of features and predictions, not decided yet; columns share the processors."""

    def one(name: str) -> list[Check]:
        column, kind = window.columns[name], baseline.schema.types[name]
        if isinstance(column, CategoryColumn):
            counts = np.append(column.counts, column.unseen.total())
            check = checks.categorical(name, np.append(baseline.counts(name), 0), counts, limits)
        else:
            check = checks.numeric(
                name, "feature", *baseline.numbers(name), column.sample(), limits
            )
        missing = column.missing - column.wrong
        counted = (window.rows - missing, missing)
        lost = checks.completeness(name, baseline.presence(name), counted, limits)
        if kind in TIME:
            check.aside = "as time moves by itself"
        if name in limits.ignore:
            check.aside = lost.aside = "as model.yaml says"
        return [check, lost]

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = [check for pair in pool.map(one, window.columns) for check in pair]
    if window.predictions.present and baseline.test is not None:
        sample, scale = spread(baseline.test[0])
        own = window.predictions.sample()
        found.append(checks.numeric("prediction", "prediction", sample, scale, own, limits))
    return found


def conclude(
    window: Window, asked: list[Check], broken: list[dict[str, str]], limits: Limits
) -> tuple[str, str]:
    """The window's verdict and the sentence why. Broken rows alone are no drift: a model trained on them
    would learn the fault."""
    faults = sum(item["constraint_check_type"] != "baseline_drift_check" for item in broken)
    besides = f" Faults in the data: {faults}, see constraint_violations.json." if faults else ""
    moved = [c for c in asked if c.decides and c.verdict == DRIFT and c.about != "completeness"]
    if moved:
        moved.sort(key=lambda c: -max(c.effects[n] / limit for n, limit in c.limits.items()))
        rest = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
        return DRIFT, f"{'. '.join(c.reason for c in moved[:3])}{rest}.{besides}"
    if all(c.verdict == UNKNOWN for c in asked if c.decides):
        return UNKNOWN, (
            f"{window.rows:,} rows in the window; an answer needs {limits.min_samples:,}.{besides}"
        )
    tested = sum(c.verdict != UNKNOWN for c in asked if c.decides)
    return OK, f"None of {tested} checks of {window.rows:,} rows found drift.{besides}"


def describe(window: Window, matched: Any, known: truth.Truth | None) -> dict[str, Any]:
    """What was read."""
    numbers = [c for c in (*window.columns.values(), window.predictions) if isinstance(c, Column)]
    return {
        "records": window.records,
        "rows": window.rows,
        "predictions": window.predictions.present,
        "labelled": len(matched) if known else 0,
        "first": window.first,
        "last": window.last,
        "unreadable": window.problems.total(),
        "problems": [problem for problem, _ in window.problems.most_common(5)],
        "exact": window.exact,
        "rank_error": 0.0 if window.exact else max(c.sketch().rank_error() for c in numbers),
    }


def pictures(baseline: Baseline, window: Window) -> dict[str, plots.Picture | None]:
    """A picture of each column, before and now."""
    found: dict[str, plots.Picture | None] = {}
    for name, column in window.columns.items():
        if isinstance(column, CategoryColumn):
            counts = np.append(column.counts, column.unseen.total())
            labels = [*column.known, "unknown"]
            found[name] = plots.of_cells(labels, np.append(baseline.counts(name), 0), counts)
        else:
            known, kind = baseline.numbers(name)[0], baseline.schema.types[name]
            found[name] = plots.of_numbers(known, column.sample(), kind)
    if baseline.test is not None:
        own = window.predictions.sample()
        found["prediction"] = plots.of_numbers(spread(baseline.test[0])[0], own, "float")
    return found


def write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def run() -> None:
    """The job, with its failure as exit message."""
    try:
        main()
    except Exception as error:
        write_exit_message(f"{type(error).__name__}: {error}")
        raise
