"""The sections of a model.yaml, with every default. Fields are documented for `frugal validate`'s
messages and for the editor: the JSON schema of `ModelSpec` carries them.
"""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from frugal.spec.deploy import Deploy
from frugal.spec.durations import Duration
from frugal.spec.evaluate import Recent
from frugal.spec.monitor import Monitor
from frugal.spec.retention import Retention
from frugal.spec.right_size import RightSize
from frugal.spec.section import SCRIPT, InstanceType, Name, Schedule, Section, TagValue
from frugal.spec.train import Train

ColumnType = Literal["integer", "float", "boolean", "string", "category", "date", "datetime"]
Metric = Literal["rmse", "mae", "mape", "r2", "accuracy", "auc"]

METRIC_RANGES = {
    "rmse": (0, inf),
    "mae": (0, inf),
    "mape": (0, inf),
    "r2": (-inf, 1),
    "accuracy": (0, 1),
    "auc": (0, 1),
}
NUMERIC_TYPES: frozenset[str] = frozenset({"integer", "float"})


class Owner(Section):
    """Who answers for the model and who pays; becomes tags on everything."""

    team: TagValue
    cost_center: TagValue
    email: str | None = None


def _column_shorthand(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


class Column(Section):
    """One column of the raw data. `price: float` is short for `price: {type: float}`."""

    type: ColumnType
    required: bool = True
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] | None = None
    format: str | None = Field(None, description="strptime format of a date or datetime")


class Split(Section):
    """Shares of the three splits; rows that agree in the columns `by` never part."""

    by: tuple[str, ...] = ()
    train: float = Field(0.7, gt=0, lt=1)
    validation: float = Field(0.15, gt=0, lt=1)
    test: float = Field(0.15, gt=0, lt=1)
    salt: str = ""


class Data(Section):
    """The raw data: where it lies in the bucket, its columns, the target and the quality gate."""

    raw: str | None = Field(None, description="S3 prefix in the bucket; default <name>/raw/")
    format: Literal["csv"] = "csv"
    delimiter: str = Field(",", min_length=1, max_length=1)
    target: str
    key: tuple[str, ...] = Field(min_length=1, description="columns that together are unique")
    columns: dict[str, Annotated[Column, BeforeValidator(_column_shorthand)]] = Field(min_length=2)
    features: tuple[str, ...] | None = Field(
        None, min_length=1, description="default: every column but the key, the target and strings"
    )
    split: Split = Split()
    max_bad_rows: float = Field(
        0.01, ge=0, le=1, description="fraction of the raw rows that may be quarantined"
    )


class Preprocess(Section):
    """The Processing job that turns CSV into Parquet, once for each fingerprint."""

    instance: InstanceType = "ml.m5.large"
    volume_gb: int = Field(30, ge=1, le=16384)
    max_run: Duration = timedelta(hours=1)
    row_group_rows: int = Field(131_072, ge=1_000, le=10_000_000)
    compression_level: int = Field(3, ge=1, le=22)
    script: str | None = Field(None, pattern=SCRIPT)


class Evaluate(Section):
    """The gate between a trained model and deployment."""

    metric: Metric
    floor: float = Field(description="the worst value that may be deployed")
    must_beat_champion: bool = Field(True, description="a challenger that is worse is not deployed")
    decides: Literal["recent", "test", "both"] = Field(
        "recent", description="the rows on which the challenger must not be worse than the champion"
    )
    recent: Recent = Recent()
    instance: InstanceType = "ml.m5.large"
    max_run: Duration = timedelta(minutes=30)


class Compile(Section):
    """Ahead-of-time compilation, with a parity gate."""

    backend: Literal["neo", "onnx", "neuron", "none"] = "none"
    target: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]*$", description="Neo TargetDevice")
    tolerance: float = Field(1e-4, gt=0, lt=1, description="largest relative move of a prediction")
    int8: Literal["static", "dynamic"] | None = Field(
        None,
        description="onnx, of networks: layers in one byte; static calibrates on training rows",
    )
    metric_loss: float = Field(
        0.02, ge=0, lt=1, description="int8: how much worse, relatively, evaluate.metric may get"
    )
    batch_rows: int = Field(
        1, ge=1, le=1024, description="neo and neuron compile networks for so many rows at a time"
    )
    neuron_cores: int = Field(1, ge=1, le=16, description="neuron on Inf1: cores a copy runs on")
    instance: InstanceType = "ml.m5.large"
    max_run: Duration = timedelta(minutes=15)


class Budget(Section):
    """Limits in USD and in time. A run whose worst case exceeds `run` does not start."""

    run: float | None = Field(None, gt=0)
    longest_job: Duration = Field(
        timedelta(days=1), description="largest max_run: so long a job may bill with nobody there"
    )


class ModelSpec(Section):
    """One model, from raw data to a monitored endpoint."""

    name: Name
    owner: Owner
    description: str = ""
    schedule: Schedule | None = Field(None, description="cron; default: started by hand")
    data: Data
    preprocess: Preprocess = Preprocess()
    train: Train = Train()
    evaluate: Evaluate
    compile: Compile = Compile()
    deploy: Deploy = Deploy()
    monitor: Monitor = Monitor()
    retention: Retention = Retention()
    budget: Budget = Budget()
    right_size: RightSize | None = Field(None, description="default: no right_size DAG")

    @property
    def raw_prefix(self) -> str:
        """S3 key prefix of the raw objects, ending in a slash."""
        return f"{(self.data.raw or f'{self.name}/raw').strip('/')}/"

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the feature columns, in the order in which the endpoint takes them."""
        if self.data.features is not None:
            return self.data.features
        left_out = {*self.data.key, self.data.target}
        return tuple(
            name
            for name, column in self.data.columns.items()
            if name not in left_out and column.type != "string"
        )

    def document(self) -> dict[str, Any]:
        """The spec as JSON values with every default filled in: what containers read as spec.json."""
        document = self.model_dump(mode="json")
        data = document["data"]
        data["features"] = list(self.features)
        data["raw"] = self.raw_prefix
        data["split"]["by"] = list(self.data.split.by or self.data.key)
        data["split"]["salt"] = self.data.split.salt or self.name
        return document
