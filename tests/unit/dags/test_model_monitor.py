"""The watch_drift DAG of a model that Model Monitor's schedules watch."""

from __future__ import annotations

from frugal.pipelines import watch_drift
from frugal.spec import parse_spec

MODEL = """\
name: rents
owner: {team: growth, cost_center: cc-12}
data:
  target: rent
  key: [id]
  columns: {id: string, area: float, rent: float}
evaluate: {metric: rmse, floor: 10}
deploy: {strategy: realtime}
monitor: {backend: model-monitor, schedule: "20 * * * *", window: 1h, truth: rents/truth}
"""


def test_schedules_are_bound_to_the_champion_and_collected() -> None:
    dag = watch_drift.build_dag(parse_spec(MODEL))
    upstream = {name: set(task.upstream_task_ids) for name, task in dag.task_dict.items()}
    baselines = {"data_quality_baseline", "model_quality_baseline"}
    assert upstream == {
        "prepare": set(),
        "listen": {"prepare"},
        "find_champion": {"prepare"},
        **{name: {"find_champion"} for name in baselines},
        "keep_schedules": baselines,
        "collect": {"keep_schedules"},
        "reap": {"collect"},
    }
    assert dag.task_dict["reap"].is_teardown
