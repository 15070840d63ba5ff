"""Model Monitor's analyzer, as its schedules run it: ``python3 -m container.drift.analyzer``.

After the developer guide, "Container Contract Inputs" and "Container Contract Outputs"; the names of what
is not described there are those of a published log of such jobs. Everything is in the environment:

===================================== ==============================================================
``dataset_source``, ``dataset_format`` what is looked at: ``sagemakerCaptureJson``,
                                       ``sagemakerMergeJson``, ``csv`` or ``parquet``
``start_time``, ``end_time``           of it, what was captured from the one until before the other
``baseline_constraints``               what is expected; without it a baseline is suggested
``baseline_statistics``                what distributions are compared with
``analysis_type``, ``problem_type``    ``MODEL_QUALITY``: of which kind of model
``output_path``                        gets statistics.json, constraints.json and, with a baseline,
                                       constraint_violations.json
===================================== ==============================================================

A feature has drifted when its Kolmogorov-Smirnov distance (of categories: the largest difference of a
share, or Cramer's V for ChiSquared) reaches the threshold of ``monitoring_config`` and, unless the
comparison is ``Simple``, is significant after Holm's correction: how AWS's own analyzer makes its
``Robust`` comparison robust is not documented. Nothing is published to CloudWatch.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from container.drift import checks, documents, model_quality, suggest
from container.drift.checks import Check
from container.drift.job import write
from container.drift.limits import Limits
from container.drift.sample import Sample
from container.drift.window import CategoryColumn, Column, Window
from container.features import FeatureSchema
from container.kll import Sketch
from container.paths import write_exit_message

MEMORY_MIB = 512
SIGNIFICANCE = 0.01
TYPES = {"Integral": "integer", "Fractional": "float", "String": "category", "Unknown": "float"}
VIOLATED = "CompletedWithViolations: Job completed successfully with {} violations."
CLEAN = "Completed: Job completed successfully with no violations."


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Write the files, and the exit message."""
    output = Path(environ["output_path"])
    output.mkdir(parents=True, exist_ok=True)
    analyses = {"MODEL_QUALITY": (model_quality.suggest, model_quality.compare)}
    asked = environ.get("analysis_type", "")
    propose, judge = analyses.get(asked, (suggest.suggest, compare))
    if "baseline_constraints" not in environ:
        statistics, constraints = propose(environ)
        broken = None
    else:
        expected = json.loads(Path(environ["baseline_constraints"]).read_text(encoding="utf-8"))
        statistics, constraints, broken = judge(environ, expected)
    write(output / "statistics.json", statistics)
    write(output / "constraints.json", constraints)
    if broken is not None:
        write(output / "constraint_violations.json", {"violations": broken})
    message = VIOLATED.format(len(broken)) if broken else CLEAN
    write_exit_message(message)
    print(message, flush=True)


def compare(
    environ: Mapping[str, str], expected: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, str]]]:
    """Statistics, suggested constraints and violations of a window of captured traffic.

    Raises:
        ValueError: the baseline's statistics and its constraints are of different columns.
    """
    given = Path(environ["baseline_statistics"]).read_text(encoding="utf-8")
    statistics = {feature["name"]: feature for feature in json.loads(given)["features"]}
    features = expected["features"]
    if missing := [f["name"] for f in features if f["name"] not in statistics]:
        raise ValueError(f"{', '.join(missing)} of constraints.json are not in statistics.json")
    names = [feature["name"] for feature in features]
    types = {feature["name"]: TYPES[feature["inferred_type"]] for feature in features}
    domains = {
        feature["name"]: feature["string_constraints"]["domains"]
        for feature in features
        if types[feature["name"]] == "category"
    }
    schema = FeatureSchema(names[1:], names[0], types, domains)
    between = (environ["start_time"], environ["end_time"]) if "start_time" in environ else None
    window, _ = Window.read(Path(environ["dataset_source"]), schema, MEMORY_MIB, between=between)
    config = expected["monitoring_config"]
    limits = limits_of(config)
    columns: dict[str, Column | CategoryColumn] = {
        schema.target: window.predictions,
        **window.columns,
    }
    asked = [
        check
        for name, column in columns.items()
        if (check := _drift(name, column, statistics[name], config, limits))
    ]
    checks.decide(asked, limits)
    broken = documents.violations(window, asked, limits)
    broken += [found for feature in features if (found := _lost(feature, columns[feature["name"]]))]
    return documents.statistics(window), documents.constraints(window, expected), broken


def limits_of(config: Mapping[str, Any]) -> Limits:
    """``monitoring_config`` as our limits; effects that Model Monitor has no threshold for are infinite."""
    distribution = config.get("distribution_constraints", {})
    simple = distribution.get("comparison_method") == "Simple"
    never = math.inf
    return Limits(
        min_samples=1,
        significance=never if simple else SIGNIFICANCE,
        ks=float(distribution.get("comparison_threshold", 0.1)),
        chi_square=float(distribution.get("categorical_comparison_threshold", 0.1)),
        psi=never,
        jensen_shannon=never,
        wasserstein=never,
        completeness=never,
        quality=never,
        unlike=1.0 - float(config.get("datatype_check_threshold", 1.0)),
    )


def _drift(
    name: str,
    column: Column | CategoryColumn,
    statistics: Mapping[str, Any],
    config: Mapping[str, Any],
    limits: Limits,
) -> Check | None:
    """Whether a column's values are distributed as the baseline's; None where there is nothing to compare."""
    distribution = config.get("distribution_constraints", {})
    if distribution.get("perform_comparison", "Enabled") != "Enabled" or not column.present:
        return None
    if isinstance(column, CategoryColumn):
        found = statistics["string_statistics"]["distribution"]["categorical"]["buckets"]
        before = {bucket["value"]: bucket["count"] for bucket in found}
        counts = np.append(column.counts, column.unseen.total())
        was = np.array([*(before.get(value, 0) for value in column.known), 0])
        if not was.sum():
            return None
        check = checks.categorical(name, was, counts, limits)
        if distribution.get("categorical_drift_method", "LInfinity") == "LInfinity":
            apart = np.abs(was / was.sum() - counts / counts.sum()).max()
            check.effects = {"linfinity": float(apart)}
            check.limits = {"linfinity": limits.chi_square}
        return check
    numbers = statistics["numerical_statistics"]
    if "distribution" not in numbers:
        return None
    sketch = Sketch.of(numbers["distribution"]["kll"]["sketch"]["data"])
    reference = Sample.sketched(sketch)
    scale = float(numbers["std_dev"])
    check = checks.numeric(name, "feature", reference, scale, column.sample(), limits)
    check.limits = {"ks": limits.ks}
    return check


def _lost(feature: Mapping[str, Any], column: Column | CategoryColumn) -> dict[str, str] | None:
    """The violation when a smaller share of a column's values is there than was expected."""
    total, expected = column.present + column.missing, float(feature["completeness"])
    share = column.present / total if total else 1.0
    if share >= expected:
        return None
    return {
        "feature_name": feature["name"],
        "constraint_check_type": "completeness_check",
        "description": f"Data completeness requirement is not met. Expected: at least {expected:.2%}. "
        f"Observed: {share:.2%} of {total:,} values are there.",
    }


def run() -> None:
    """The job, with its failure as exit message."""
    try:
        main()
    except Exception as error:
        write_exit_message(f"Error: {type(error).__name__}: {error}")
        raise


if __name__ == "__main__":
    run()
