"""One expression evaluated."""

from __future__ import annotations

from collections.abc import Mapping

from local_aws.cloudwatch.metric_math import expressions as e
from local_aws.cloudwatch.metric_math.functions import FUNCTIONS
from local_aws.cloudwatch.metric_math.values import Grid, Mismatch, Points, Value, combine
from local_aws.errors import AwsError


class Evaluation:
    """One expression over the series of the other queries, by Id; `metrics` are those that are
    MetricStats, in the request's order, which METRICS() stands for."""

    def __init__(
        self,
        expression: str,
        known: Mapping[str, Value],
        metrics: Mapping[str, Points],
        grid: Grid,
    ) -> None:
        self.expression = expression
        self.metrics = metrics
        self.grid = grid
        self._known = known

    def result(self) -> Value:
        """Raises `InvalidParameterValueException` for what cannot be evaluated."""
        try:
            return self.of(e.parse(self.expression))
        except Mismatch as error:
            raise self.wrong(str(error)) from error

    def wrong(self, why: str) -> AwsError:
        return e.invalid(self.expression, why)

    def of(self, node: e.Node) -> Value:
        match node:
            case e.Number(value):
                return value
            case e.Name(name):
                if name not in self._known:
                    raise self.wrong(f"there is no query with the Id {name!r}")
                return self._known[name]
            case e.Array(items):
                return [self.series(item) for item in items]
            case e.Operation(sign, left, right):
                return combine(sign, self.of(left), self.of(right))
            case e.Function(name, arguments):
                if name not in FUNCTIONS:
                    known = ", ".join(sorted(FUNCTIONS))
                    raise self.wrong(f"the local AWS has no function {name}: it has {known}")
                return FUNCTIONS[name](self, arguments)
            case e.Text():
                raise self.wrong(f"a text, {node.value!r}, stands where a series is expected")

    def series(self, node: e.Node) -> Points:
        value = self.of(node)
        if isinstance(value, dict):
            return value
        if isinstance(value, list):
            raise self.wrong("an array stands where one series is expected")
        return dict.fromkeys(self.grid.times, value)

    def number(self, node: e.Node) -> float:
        value = self.of(node)
        if not isinstance(value, float | int):
            raise self.wrong("a series stands where a number is expected")
        return value
