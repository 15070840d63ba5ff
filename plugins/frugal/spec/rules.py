"""What the fields alone cannot tell: mistakes between fields, and what AWS refuses.

Rules of one section stand apart: of train in train.py, of compile in compile_rules.py, of deploy in deploy_rules.py, of
monitor in monitor_rules.py, of retention in retention_rules.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from frugal.spec.model import (
    METRIC_RANGES,
    NUMERIC_TYPES,
    Budget,
    Compile,
    Data,
    Evaluate,
    Preprocess,
)
from frugal.spec.monitor import Monitor
from frugal.spec.right_size import RightSize
from frugal.spec.rule import Finding, rule
from frugal.spec.train import Train


@rule("data")
def columns_exist(data: Data) -> Iterator[Finding]:
    """Every column that is named must be declared, and is named once."""
    named = [("data.target", (data.target,)), ("data.key", data.key)]
    named += [("data.features", data.features or ()), ("data.split.by", data.split.by)]
    for key, names in named:
        for name in names:
            if name not in data.columns:
                yield Finding(key, "no such column", name, ", ".join(data.columns))
        for name, count in Counter(names).items():
            if count > 1:
                yield Finding(key, "a column is named more than once", name)


@rule("data")
def target_is_not_a_feature(data: Data) -> Iterator[Finding]:
    """A target among the features or the key leaks the answer."""
    for key, names in (("data.features", data.features or ()), ("data.key", data.key)):
        if data.target in names:
            yield Finding(key, "holds the target, which would leak the answer", data.target)


@rule("data")
def features_are_numbers(data: Data) -> Iterator[Finding]:
    """Free text cannot be a feature."""
    for name in data.features or ():
        if name in data.columns and data.columns[name].type == "string":
            yield Finding(
                "data.features",
                "a string cannot be a feature",
                name,
                "declare it as category, or leave it out",
            )


@rule("data")
def split_adds_up(data: Data) -> Iterator[Finding]:
    """The three shares are the whole."""
    shares = (data.split.train, data.split.validation, data.split.test)
    if abs(sum(shares) - 1) > 1e-9:
        given = " + ".join(f"{share:g}" for share in shares)
        yield Finding("data.split", "shares do not add up to 1", f"{given} = {sum(shares):g}")


@rule("data")
def checks_fit_types(data: Data) -> Iterator[Finding]:
    """Bounds are for numbers, values for text, formats for times."""
    for name, column in data.columns.items():
        key = f"data.columns.{name}"
        bounds = [bound for bound in (column.min, column.max) if bound is not None]
        if bounds and column.type not in NUMERIC_TYPES:
            yield Finding(key, f"min and max do not apply to type {column.type}", bounds[0])
        if column.min is not None and column.max is not None and column.min > column.max:
            yield Finding(key, "min is above max", f"{column.min:g} > {column.max:g}")
        if column.values is not None and column.type not in ("string", "category"):
            yield Finding(key, f"values do not apply to type {column.type}")
        if column.format is not None and column.type not in ("date", "datetime"):
            yield Finding(key, f"format does not apply to type {column.type}", column.format)


@rule("data", "evaluate")
def metric_fits_target(data: Data, evaluate: Evaluate) -> Iterator[Finding]:
    """A regression metric needs a number as its target."""
    column = data.columns.get(data.target)
    if column is not None and column.type not in {*NUMERIC_TYPES, "boolean"}:
        yield Finding(
            "data.target",
            f"metric {evaluate.metric} needs a numeric target",
            f"{data.target}: {column.type}",
            "integer, float or boolean (encode classes as 0, 1, ...)",
        )


@rule("evaluate")
def floor_is_in_the_metrics_range(evaluate: Evaluate) -> Iterator[Finding]:
    """A floor outside of the metric's range lets everything through, or nothing."""
    low, high = METRIC_RANGES[evaluate.metric]
    if not low <= evaluate.floor <= high:
        allowed = f"{low:g} to {high:g}"
        yield Finding(
            "evaluate.floor", f"outside of the range of {evaluate.metric}", evaluate.floor, allowed
        )


@rule("train", "evaluate")
def classes_are_judged_by_their_probabilities(
    train: Train, evaluate: Evaluate
) -> Iterator[Finding]:
    """Of more than two classes evaluation compares the most probable one with the target."""
    objective = train.hyperparameters.get("objective")
    if train.framework != "xgboost" or not str(objective).startswith("multi:"):
        return
    key = "train.hyperparameters"
    if objective == "multi:softmax":
        problem = "answers classes without the probabilities that evaluation needs"
        yield Finding(f"{key}.objective", problem, objective, "multi:softprob")
    if "num_class" not in train.hyperparameters:
        yield Finding(key, f"XGBoost needs num_class for {objective}", "", "num_class: 3")
    if evaluate.metric != "accuracy":
        problem = f"is not defined for {objective}"
        yield Finding("evaluate.metric", problem, evaluate.metric, "accuracy")


@rule("data")
def values_are_some(data: Data) -> Iterator[Finding]:
    """An empty list of values would refuse every row."""
    for name, column in data.columns.items():
        if column.values == ():
            yield Finding(f"data.columns.{name}.values", "an empty list would refuse every row")


@rule("preprocess", "train", "evaluate", "compile", "monitor", "budget")
def no_job_bills_for_days_unless_told(
    preprocess: Preprocess,
    train: Train,
    evaluate: Evaluate,
    compilation: Compile,
    monitor: Monitor,
    budget: Budget,
) -> Iterator[Finding]:
    """max_run is what ends a job when Airflow itself is gone, so that more than a day of it has to be meant."""
    limits = {
        "preprocess": preprocess.max_run,
        "train": train.max_run,
        "evaluate": evaluate.max_run,
        "compile": compilation.max_run,
        "monitor": monitor.max_run,
    }
    for section, max_run in limits.items():
        if max_run > budget.longest_job:
            yield Finding(
                f"{section}.max_run",
                "a job that nobody watches any more would bill for so long",
                max_run,
                f"up to {budget.longest_job}, or a budget.longest_job that says so",
            )


@rule("right_size")
def something_to_compare(right_size: RightSize | None) -> Iterator[Finding]:
    """One type has nothing to be compared with, but is measured; none is a mistake."""
    if right_size is not None and not right_size.serving and not right_size.training:
        yield Finding("right_size", "names no instance type", "", "serving: [...], training: [...]")


@rule("right_size", "compile")
def neo_serves_on_its_target(
    right_size: RightSize | None, compilation: Compile
) -> Iterator[Finding]:
    """A champion that Neo compiled runs on one family."""
    if right_size is None or compilation.backend != "neo" or compilation.target is None:
        return
    family = compilation.target.replace("_", ".", 1)
    for index, instance in enumerate(right_size.serving):
        if not instance.startswith(f"{family}."):
            key = f"right_size.serving.{index}"
            problem = f"a model compiled for {compilation.target} runs on {family}.* only"
            yield Finding(key, problem, instance, f"an {family}.* type")
