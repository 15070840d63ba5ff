"""Tags by which anyone can tell whose a thing is: that Frugal made it, for which environment, and for which task.

The keys and values of a task's tags are read back by the reaper, so text is written reversibly in the characters
that AWS takes: letters, digits and _ . : / = + - @, at most 256 of them (TagValue, botocore's model).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

MANAGED_BY = {"ManagedBy": "frugal"}
ENVIRONMENT = "frugal:environment"
DAG, DAG_RUN, TASK, MAP_INDEX = "frugal:dag", "frugal:dag-run", "frugal:task", "frugal:map-index"
MODEL, RUN = "frugal:model", "frugal:run"
#: On an endpoint that shall not outlive its DAG run.
TEMPORARY = {"frugal:lifetime": "temporary"}
MAX_VALUE = 256
NOT_MAPPED = -1


@dataclass(frozen=True)
class TaskKey:
    """The task instance that made a thing; `map_index` is -1 when the task is not mapped."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = NOT_MAPPED

    def __str__(self) -> str:
        index = "" if self.map_index == NOT_MAPPED else f"[{self.map_index}]"
        return f"{self.dag_id} / {self.run_id} / {self.task_id}{index}"

    @classmethod
    def of(cls, ti: Any) -> TaskKey:
        """That of Airflow's task instance `ti`."""
        return cls(ti.dag_id, ti.run_id, ti.task_id, ti.map_index)

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> TaskKey | None:
        """The one that `as_tags` wrote; None when a tag is missing: then nobody can ask for its state."""
        if not {DAG, DAG_RUN, TASK} <= tags.keys():
            return None
        index = int(tags.get(MAP_INDEX, NOT_MAPPED))
        dag_id, run_id, task_id = (_text(tags[key]) for key in (DAG, DAG_RUN, TASK))
        return cls(dag_id, run_id, task_id, index)

    def as_tags(self, environment: str) -> dict[str, str]:
        """Tags of what this task makes, our ownership tag among them.

        What is too long for AWS is left out; the reaper then goes by age alone.
        """
        tags = {DAG: _tag(self.dag_id), DAG_RUN: _tag(self.run_id), TASK: _tag(self.task_id)}
        if self.map_index != NOT_MAPPED:
            tags[MAP_INDEX] = str(self.map_index)
        known = {key: value for key, value in tags.items() if len(value) <= MAX_VALUE}
        return {**known, **MANAGED_BY, ENVIRONMENT: environment}


def as_dict(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """AWS's list form as a dictionary."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """A dictionary in AWS's list form, sorted by key."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _tag(text: str) -> str:
    return quote(text, safe=":+/@").replace("~", "%7E").replace("%", "=")


def _text(tag: str) -> str:
    return unquote(tag.replace("=", "%"))
