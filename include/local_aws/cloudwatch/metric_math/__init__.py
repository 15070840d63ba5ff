"""CloudWatch's metric math: expressions read, and evaluated over time series."""

from __future__ import annotations

from local_aws.cloudwatch.metric_math.evaluation import Evaluation
from local_aws.cloudwatch.metric_math.expressions import names, parse
from local_aws.cloudwatch.metric_math.functions import FUNCTIONS
from local_aws.cloudwatch.metric_math.values import Grid, Points, Value

__all__ = ["FUNCTIONS", "Evaluation", "Grid", "Points", "Value", "names", "parse"]
