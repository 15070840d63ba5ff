"""What every section of a model.yaml is made of: the base class and the types of single values."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
INSTANCE_TYPE = r"^ml\.[a-z][a-z0-9-]*\.(medium|large|(\d{0,2})xlarge|metal)$"
VERSION = r"^\d+\.\d+(-\d+)?$"
SCRIPT = r"^[\w./-]+\.py$"
TAG_VALUE = r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$"  # TagValue, botocore's model of SageMaker
REGION = r"^[a-z]{2,4}(-[a-z]+)+-\d$"

PATTERNS_IN_WORDS = {
    NAME: "lower-case letters, digits and single hyphens, such as house-prices",
    INSTANCE_TYPE: "a SageMaker instance type, such as ml.m5.large",
    VERSION: "a version of AWS's container, such as 3.0-5 of XGBoost, 2.13 of PyTorch",
    SCRIPT: "a Python file beside model.yaml, such as train.py",
    REGION: "an AWS region, such as eu-west-1",
    TAG_VALUE: "what AWS takes as a tag: letters, digits, spaces and _ . : / = + - @",
}
#: Airflow's words for schedules that are no cron expressions.
SCHEDULES = ("@once", "@quarterly")


def _schedule(value: str) -> str:
    from croniter import croniter

    if value not in SCHEDULES and not croniter.is_valid(value):
        raise ValueError('no cron expression, such as "0 3 * * 1" or "@daily"')
    return value


def _hyperparameter(value: Any) -> Any:
    if not isinstance(value, str | int | float) or (
        isinstance(value, float) and not isfinite(value)
    ):
        raise ValueError("is not one text, number, true or false")
    return value


Name = Annotated[str, StringConstraints(pattern=NAME, min_length=2, max_length=32)]
InstanceType = Annotated[str, StringConstraints(pattern=INSTANCE_TYPE)]
TagValue = Annotated[str, StringConstraints(pattern=TAG_VALUE, max_length=64)]
Schedule = Annotated[str, AfterValidator(_schedule)]
Hyperparameter = Annotated[str | int | float | bool, BeforeValidator(_hyperparameter)]


class Section(BaseModel):
    """Base of every section: unknown keys and infinite numbers are mistakes, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
