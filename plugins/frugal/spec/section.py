"""What every section of a model.yaml is made of: the base class and the types of single values."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
INSTANCE_TYPE = r"^ml\.[a-z][a-z0-9-]*\.(medium|large|(\d{0,2})xlarge|metal)$"
VERSION = r"^\d+\.\d+(-\d+)?$"
SCRIPT = r"^[\w./-]+\.py$"
REGION = r"^[a-z]{2}(-[a-z]+)+-\d$"

PATTERNS_IN_WORDS = {
    NAME: "lower-case letters, digits and single hyphens, such as house-prices",
    INSTANCE_TYPE: "a SageMaker instance type, such as ml.m5.large",
    VERSION: "a version of AWS's container, such as 3.0-5 of XGBoost, 2.13 of PyTorch",
    SCRIPT: "a Python file beside model.yaml, such as train.py",
    REGION: "an AWS region, such as eu-west-1",
}

Name = Annotated[str, StringConstraints(pattern=NAME, min_length=2, max_length=32)]
InstanceType = Annotated[str, StringConstraints(pattern=INSTANCE_TYPE)]


class Section(BaseModel):
    """Base of every section: unknown keys are mistakes, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
