"""Application Auto Scaling over a SageMaker reduced to its counts, on a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local_aws.app import App
from local_aws.autoscaling import arithmetic, operations, schedule
from local_aws.config import Config
from local_aws.errors import AwsError, validation
from local_aws.sagemaker.registry import HANDLERS, Call, Params

REGION = "us-east-1"
MINUTE = 60
VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/shop/variant/all",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
CONCURRENCY = VARIANT | {"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}
COPIES = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "inference-component/shop",
    "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
}
PER_INSTANCE = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}


@dataclass
class Shop:
    """An endpoint `shop` with a variant `all`, which takes a while to change when it is `slow`."""

    app: App
    time: float = 1_800_000_000.0
    count: int = 1
    desired: int = 1
    slow: bool = False
    definition: Params = field(default_factory=lambda: {"InstanceType": "ml.m5.large"})
    config: Params = field(default_factory=dict)

    @property
    def call(self) -> Call:
        return Call(self.app, REGION)

    def describe(self, call: Call, params: Params) -> Params:
        if params["EndpointName"] != "shop":
            raise validation(f'Could not find endpoint "{params["EndpointName"]}".')
        variant = {"VariantName": "all", **self._counts()}
        status = "InService" if self.count == self.desired else "Updating"
        return {
            "EndpointConfigName": "shop",
            "EndpointStatus": status,
            "ProductionVariants": [variant],
        }

    def _counts(self) -> Params:
        if "ServerlessConfig" in self.definition:
            now, then = ({"ProvisionedConcurrency": n} for n in (self.count, self.desired))
            return {"CurrentServerlessConfig": now, "DesiredServerlessConfig": then}
        return {"CurrentInstanceCount": self.count, "DesiredInstanceCount": self.desired}

    def describe_config(self, call: Call, params: Params) -> Params:
        return {"ProductionVariants": [{"VariantName": "all", **self.definition}], **self.config}

    def update(self, call: Call, params: Params) -> Params:
        (change,) = params["DesiredWeightsAndCapacities"]
        serverless = change.get("ServerlessUpdateConfig", {})
        self._change(change.get("DesiredInstanceCount", serverless.get("ProvisionedConcurrency")))
        return {}

    def describe_component(self, call: Call, params: Params) -> Params:
        counts = {"CurrentCopyCount": self.count, "DesiredCopyCount": self.desired}
        status = "InService" if self.count == self.desired else "Updating"
        return {"InferenceComponentStatus": status, "RuntimeConfig": counts}

    def update_component(self, call: Call, params: Params) -> Params:
        self._change(params["DesiredRuntimeConfig"]["CopyCount"])
        return {}

    def _change(self, to: int) -> None:
        self.desired = to
        if not self.slow:
            self.count = to

    def do(self, operation: str, **params: Any) -> Params:
        """An operation of Application Auto Scaling."""
        return operations.SERVICE.handlers[operation](self.call, params)

    def register(self, least: int = 1, most: int = 10, **params: Any) -> None:
        bounds = {"MinCapacity": least, "MaxCapacity": most}
        self.do("RegisterScalableTarget", **{**VARIANT, **bounds, **params})

    def track(self, target: float = 600, name: str = "track", **config: Any) -> Params:
        config = {"PredefinedMetricSpecification": PER_INSTANCE, **config, "TargetValue": target}
        config = {name: value for name, value in config.items() if value is not None}
        return self.do(
            "PutScalingPolicy",
            **VARIANT,
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=config,
        )

    def pass_minutes(self, minutes: int, load: float | None) -> None:
        """Let minutes pass in which the endpoint has `load` invocations a minute; None: no data."""
        for _ in range(minutes):
            if load is not None:
                self.put("InvocationsPerInstance", load / max(1, self.count))
            self.time += MINUTE
            self.app.cloudwatch.alarms.evaluate_due()
            self.app.autoscaling.tick()

    def put(self, metric: str, value: float) -> None:
        dimensions = {"EndpointName": "shop", "VariantName": "all"}
        self.app.cloudwatch.put(REGION, "AWS/SageMaker", metric, dimensions, value)

    def activities(self, **params: Any) -> list[Params]:
        found = self.do("DescribeScalingActivities", ServiceNamespace="sagemaker", **params)
        listed: list[Params] = found["ScalingActivities"]
        return listed


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    app = App(Config(state=tmp_path / "state", environments=tmp_path))
    made = Shop(app)
    app.cloudwatch.clock.scale = 1.0
    monkeypatch.setattr(app.cloudwatch.clock, "_time", lambda: made.time)
    for name, handler in {
        "DescribeEndpoint": made.describe,
        "DescribeEndpointConfig": made.describe_config,
        "UpdateEndpointWeightsAndCapacities": made.update,
        "DescribeInferenceComponent": made.describe_component,
        "UpdateInferenceComponentRuntimeConfig": made.update_component,
    }.items():
        monkeypatch.setitem(HANDLERS, name, handler)
    yield made
    app.cloudwatch.close()
    app.meter.close()


def test_a_ramp_scales_out_after_three_minutes_and_in_after_fifteen(shop: Shop) -> None:
    shop.register()
    shop.track(600, ScaleOutCooldown=60, ScaleInCooldown=300)
    counts = []
    for load in (500, 2000, 2000, 2000, 5000, 5000, 5000):
        shop.pass_minutes(1, load)
        counts.append(shop.count)
    assert counts == [1, 1, 1, 4, 9, 9, 9]
    shop.pass_minutes(14, 600)
    assert shop.count == 9
    shop.pass_minutes(2, 600)
    assert shop.count == 1
    done = [a["Description"] for a in shop.activities()]
    assert done == [f"Setting desired instance count to {n}." for n in (1, 9, 4)]
    assert all(a["StatusCode"] == "Successful" for a in shop.activities())


def test_without_traffic_nothing_scales_in(shop: Shop) -> None:
    """SageMaker emits no zeros, so the low alarm has insufficient data."""
    shop.register()
    shop.count = shop.desired = 4
    shop.track(600)
    shop.pass_minutes(40, None)
    assert shop.count == 4


def test_the_scale_in_cooldown_holds_scale_ins_back_and_a_scale_out_ends_it(shop: Shop) -> None:
    shop.register()
    shop.count = shop.desired = 10
    shop.track(600, ScaleOutCooldown=0, ScaleInCooldown=1800)
    shop.pass_minutes(16, 4800)
    assert shop.count == 8
    shop.pass_minutes(25, 1200)
    assert shop.count == 8
    shop.pass_minutes(10, 1200)
    assert shop.count == 2
    shop.pass_minutes(4, 6000)
    assert shop.count == 10
    shop.pass_minutes(16, 600)
    assert shop.count == 1


def test_a_larger_scale_out_during_the_cooldown_counts_what_was_added(shop: Shop) -> None:
    shop.register()
    shop.count = shop.desired = 2
    shop.track(600, ScaleOutCooldown=3600)
    shop.pass_minutes(4, 2400)
    assert shop.count == 4
    shop.put("InvocationsPerInstance", 1500)
    for _ in range(4):
        shop.put("InvocationsPerInstance", 1500)
        shop.time += MINUTE
        shop.app.cloudwatch.alarms.evaluate_due()
    assert shop.count == 5


def test_nothing_is_asked_while_a_change_is_under_way(shop: Shop) -> None:
    shop.register()
    shop.track(600, ScaleOutCooldown=0)
    shop.slow = True
    shop.pass_minutes(6, 3000)
    assert (shop.count, shop.desired) == (1, 5)
    assert [a["StatusCode"] for a in shop.activities()] == ["InProgress"]
    shop.count, shop.slow = 5, False
    shop.pass_minutes(1, 3000)
    assert [a["StatusCode"] for a in shop.activities()] == ["Successful"]


def test_a_change_that_sagemaker_undoes_failed_and_starts_no_cooldown(shop: Shop) -> None:
    shop.register()
    shop.track(600, ScaleOutCooldown=3600)
    shop.slow = True
    shop.pass_minutes(3, 3000)
    assert shop.desired == 5
    shop.desired = 1
    shop.pass_minutes(2, 3000)
    assert [a["StatusCode"] for a in shop.activities()] == ["InProgress", "Failed"]
    assert shop.desired == 5


def test_bounds_suspensions_and_disabled_scale_in_are_kept(shop: Shop) -> None:
    shop.register(2, 3)
    assert shop.count == 2
    shop.track(600, ScaleInCooldown=0, ScaleOutCooldown=0)
    shop.pass_minutes(6, 30_000)
    assert shop.count == 3
    skipped = shop.activities(IncludeNotScaledActivities=True)[0]["NotScaledReasons"]
    assert skipped == [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 3, "CurrentCapacity": 3}]
    shop.do("RegisterScalableTarget", **VARIANT, SuspendedState={"DynamicScalingInSuspended": True})
    shop.pass_minutes(20, 60)
    assert shop.count == 3
    shop.do(
        "RegisterScalableTarget", **VARIANT, SuspendedState={"DynamicScalingInSuspended": False}
    )
    assert len(shop.track(600, DisableScaleIn=True)["Alarms"]) == 1
    shop.pass_minutes(20, 60)
    assert shop.count == 3
    assert len(shop.track(600, ScaleInCooldown=0)["Alarms"]) == 2
    shop.pass_minutes(20, 60)
    assert shop.count == 2


def test_all_tracking_policies_must_be_ready_to_scale_in(shop: Shop) -> None:
    shop.register()
    shop.count = shop.desired = 6
    shop.track(600, ScaleInCooldown=7200)
    in_use = {"MetricName": "GpuInUse", "Namespace": "Shop", "Statistic": "Average"}
    shop.track(
        60,
        "gpu",
        PredefinedMetricSpecification=None,
        CustomizedMetricSpecification=in_use,
        ScaleInCooldown=7200,
    )
    for busy, expected in ((60.0, 6), (30.0, 3)):
        for _ in range(18):
            shop.app.cloudwatch.put(REGION, "Shop", "GpuInUse", {}, busy)
            shop.pass_minutes(1, 600)
        assert shop.count == expected


def test_tracking_policies_own_their_alarms(shop: Shop) -> None:
    shop.register()
    alarms = shop.track(70)["Alarms"]
    found = {a["AlarmName"]: a for a in shop.app.store.all("alarm", REGION)}
    high, low = (found[a["AlarmName"]] for a in alarms)
    assert high["AlarmName"].startswith("TargetTracking-endpoint/shop/variant/all-AlarmHigh-")
    assert (high["Threshold"], high["EvaluationPeriods"], high["Period"]) == (70, 3, 60)
    assert (low["Threshold"], low["EvaluationPeriods"]) == (pytest.approx(63), 15)
    assert (low["Namespace"], low["Statistic"]) == ("AWS/SageMaker", "Sum")
    assert shop.track(80)["Alarms"] == alarms
    assert len(shop.app.store.all("alarm", REGION)) == 2
    shop.do("DeleteScalingPolicy", **VARIANT, PolicyName="track")
    assert shop.app.store.all("alarm", REGION) == []


def test_a_step_policy_wakes_from_zero_and_the_tracked_backlog_scales_to_it(shop: Shop) -> None:
    shop.config = {"AsyncInferenceConfig": {}}
    shop.register(0, 5)
    shop.track(
        5,
        PredefinedMetricSpecification=None,
        CustomizedMetricSpecification={
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Namespace": "AWS/SageMaker",
            "Dimensions": [{"Name": "EndpointName", "Value": "shop"}],
            "Statistic": "Average",
        },
    )
    arn = shop.do(
        "PutScalingPolicy",
        **VARIANT,
        PolicyName="wake",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
            "Cooldown": 60,
        },
    )["PolicyARN"]
    cloudwatch = shop.app.cloudwatch
    cloudwatch.alarms.put(
        REGION,
        {
            "AlarmName": "wake",
            "Namespace": "AWS/SageMaker",
            "MetricName": "HasBacklogWithoutCapacity",
            "Dimensions": [{"Name": "EndpointName", "Value": "shop"}],
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "missing",
            "AlarmActions": [arn],
            "_id": "m1",
        },
    )

    def minutes(count: int, backlog: int) -> None:
        for _ in range(count):
            values: dict[str, float] = {
                "HasBacklogWithoutCapacity": backlog > 0 and shop.count == 0
            }
            if shop.count:
                values["ApproximateBacklogSizePerInstance"] = backlog / shop.count
            for metric, value in values.items():
                dimensions = {"EndpointName": "shop"}
                cloudwatch.put(REGION, "AWS/SageMaker", metric, dimensions, float(value))
            shop.pass_minutes(1, None)

    minutes(16, 0)
    assert shop.count == 0
    minutes(1, 20)
    assert shop.count == 1
    minutes(10, 20)
    assert shop.count == 4
    (described,) = shop.do(
        "DescribeScalingPolicies", ServiceNamespace="sagemaker", PolicyNames=["wake"]
    )["ScalingPolicies"]
    assert [a["AlarmName"] for a in described["Alarms"]] == ["wake"]
    shop.do("DeleteScalingPolicy", **VARIANT, PolicyName="wake")
    alarm = shop.app.store.get("alarm", REGION, "wake")
    assert alarm is not None
    assert alarm["AlarmActions"] == []


@pytest.mark.parametrize(
    ("resource", "definition", "metric", "period", "in_alarm"),
    [
        (
            CONCURRENCY,
            {"ServerlessConfig": {"MaxConcurrency": 20, "ProvisionedConcurrency": 1}},
            "SageMakerVariantProvisionedConcurrencyUtilization",
            60,
            "ServerlessProvisionedConcurrencyUtilization",
        ),
        (COPIES, {}, "SageMakerInferenceComponentInvocationsPerCopy", 60, "InvocationsPerCopy"),
        (
            COPIES,
            {},
            "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
            10,
            "ConcurrentRequestsPerCopy",
        ),
    ],
)
def test_other_dimensions_scale_by_their_own_metrics(
    shop: Shop, resource: Params, definition: Params, metric: str, period: int, in_alarm: str
) -> None:
    shop.definition = definition
    shop.do("RegisterScalableTarget", **resource, MinCapacity=1, MaxCapacity=8)
    shop.do(
        "PutScalingPolicy",
        **resource,
        PolicyName="track",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 0.5,
            "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
        },
    )
    high = next(a for a in shop.app.store.all("alarm", REGION) if "High" in a["AlarmName"])
    assert (high["MetricName"], high["Period"]) == (in_alarm, period)
    dimensions = {d["Name"]: d["Value"] for d in high["Dimensions"]}
    for _ in range(4):
        shop.app.cloudwatch.put(REGION, "AWS/SageMaker", in_alarm, dimensions, 1.0)
        shop.time += period
        shop.app.cloudwatch.alarms.evaluate_due()
    assert shop.count == 2


@pytest.mark.parametrize(
    ("change", "definition", "config", "told"),
    [
        ({"ResourceId": "endpoint/none/variant/all"}, {}, {}, "Could not find endpoint"),
        ({"ResourceId": "endpoint/shop/variant/b"}, {}, {}, "no production variant b"),
        ({"ResourceId": "shop"}, {}, {}, "resource type or scalable dimension"),
        ({"ServiceNamespace": "ecs"}, {}, {}, "resource type or scalable dimension"),
        ({"MinCapacity": 5}, {}, {}, "MinCapacity, 5, must be from 0 to MaxCapacity"),
        ({"MinCapacity": 0}, {}, {}, "only asynchronous endpoints and inference components"),
        ({}, {"InstanceType": "ml.t2.medium"}, {}, "burstable instances such as ml.t2.medium"),
        ({}, {"ServerlessConfig": {}}, {}, "is serverless"),
        (CONCURRENCY, {"ServerlessConfig": {}}, {}, "no provisioned concurrency to scale"),
    ],
)
def test_targets_that_aws_refuses_are_refused(
    shop: Shop, change: Params, definition: Params, config: Params, told: str
) -> None:
    shop.definition, shop.config = definition or shop.definition, config
    with pytest.raises(AwsError) as refused:
        shop.register(**{"least": 1, "most": 4, **change})
    assert told in refused.value.message


def test_policies_that_aws_refuses_are_refused(shop: Shop) -> None:
    with pytest.raises(AwsError) as refused:
        shop.track()
    assert refused.value.code == "ObjectNotFoundException"
    shop.register()
    wrong = {"PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"}
    for config, told in (
        ({"PredefinedMetricSpecification": wrong}, "only supports the following predefined"),
        ({"PredefinedMetricSpecification": None}, "Give either Predefined"),
        ({"ScaleInCooldown": -1}, "ScaleInCooldown must not be negative"),
    ):
        with pytest.raises(AwsError) as refused:
            shop.track(**config)
        assert told in refused.value.message


@pytest.mark.parametrize(
    ("beyond", "expected"),
    [(5, 10), (10, 11), (19.9, 11), (20, 13), (-5, 10), (-10, 9), (-9.9, 10), (-20, 7)],
)
def test_steps_are_those_of_the_user_guide(beyond: float, expected: int) -> None:
    """Both tables of its example at a capacity of 10; the edges are those of its text."""
    sign = 1 if beyond >= 0 else -1
    bounds = [(0, 10, 0), (10, 20, 10), (20, None, 30)]
    steps = []
    for near, far, percent in bounds:
        low, high = (near, far) if sign > 0 else (None if far is None else -far, -near)
        step = {"ScalingAdjustment": sign * percent}
        step |= {} if low is None else {"MetricIntervalLowerBound": low}
        steps.append(step | ({} if high is None else {"MetricIntervalUpperBound": high}))
    policy = {"AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": steps}
    arithmetic.check_steps(policy)
    assert arithmetic.stepped(10, beyond, policy) == expected


@pytest.mark.parametrize(
    ("capacity", "percent", "least", "expected"),
    [(4, 25, 2, 6), (4, 25, 0, 5), (3, 10, 0, 4), (3, -10, 0, 2), (127, 10, 0, 139)],
)
def test_percentages_are_rounded_as_the_user_guide_says(
    capacity: int, percent: int, least: int, expected: int
) -> None:
    policy = {
        "AdjustmentType": "PercentChangeInCapacity",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": percent}],
        "MinAdjustmentMagnitude": least,
    }
    assert arithmetic.stepped(capacity, 1, policy) == expected


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([(0, 10), (20, None)], "leave a gap"),
        ([(0, 10), (5, None)], "overlap"),
        ([(None, None)], "must have a lower or an upper bound"),
        ([(-10, 0)], "one step must have no lower bound"),
        ([(0, 10)], "one step must have no upper bound"),
        ([], "must have an AdjustmentType and StepAdjustments"),
    ],
)
def test_steps_that_do_not_fit_together_are_refused(
    steps: list[tuple[int | None, int | None]], told: str
) -> None:
    names = ("MetricIntervalLowerBound", "MetricIntervalUpperBound")
    adjustments = [
        {"ScalingAdjustment": 1}
        | {n: b for n, b in zip(names, bounds, strict=True) if b is not None}
        for bounds in steps
    ]
    policy = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": adjustments}
    with pytest.raises(AwsError) as refused:
        arithmetic.check_steps(policy)
    assert told in refused.value.message


def test_scheduled_actions_move_the_bounds_and_the_capacity_with_them(shop: Shop) -> None:
    shop.register(1, 10)
    start = datetime.fromtimestamp(shop.time + 300, UTC)
    for name, at, bounds in (
        ("morning", start, {"MinCapacity": 4, "MaxCapacity": 8}),
        ("evening", datetime.fromtimestamp(shop.time + 600, UTC), {"MinCapacity": 1}),
    ):
        shop.do(
            "PutScheduledAction",
            **VARIANT,
            ScheduledActionName=name,
            Schedule=f"at({at:%Y-%m-%dT%H:%M:%S})",
            ScalableTargetAction=bounds,
        )
    shop.pass_minutes(4, None)
    assert shop.count == 1
    shop.pass_minutes(2, None)
    assert shop.count == 4
    shop.pass_minutes(10, None)
    (target,) = shop.do("DescribeScalableTargets", ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"], shop.count) == (1, 8, 4)


def test_a_scheduled_action_waits_for_a_change_that_is_under_way(shop: Shop) -> None:
    shop.register(1, 10)
    shop.slow, shop.desired = True, 2
    moment = datetime.fromtimestamp(shop.time + 60, UTC)
    shop.do(
        "PutScheduledAction",
        **VARIANT,
        ScheduledActionName="morning",
        Schedule=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        ScalableTargetAction={"MinCapacity": 4},
    )
    shop.pass_minutes(3, None)
    assert shop.desired == 2
    shop.count = 2
    shop.pass_minutes(1, None)
    assert shop.desired == 4


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        ("cron(0 10 * * ? *)", None, "2026-11-22T10:00:00", "2026-11-23T10:00:00"),
        ("cron(15 12 * * ? *)", None, "2026-11-22T10:00:00", "2026-11-22T12:15:00"),
        ("cron(0 18 ? * MON-FRI *)", None, "2026-11-21T10:00:00", "2026-11-23T18:00:00"),
        ("cron(0 8 1 * ? *)", None, "2026-11-22T10:00:00", "2026-12-01T08:00:00"),
        ("cron(0/15 * * * ? *)", None, "2026-11-22T10:00:00", "2026-11-22T10:15:00"),
        ("cron(0/10 8-17 ? * MON-FRI *)", None, "2026-11-20T17:55:00", "2026-11-23T08:00:00"),
        ("cron(30 6 * * 3 *)", None, "2026-11-22T10:00:00", "2026-11-24T06:30:00"),
        ("cron(0 9 * * ? *)", "Europe/Berlin", "2026-11-22T10:00:00", "2026-11-23T08:00:00"),
        ("cron(0 0 29 2 ? *)", None, "2026-11-22T10:00:00", "2028-02-29T00:00:00"),
        ("cron(0 10 * * ? 2025)", None, "2026-11-22T10:00:00", None),
        ("at(2026-11-22T11:00:00)", None, "2026-11-22T10:00:00", "2026-11-22T11:00:00"),
        ("at(2026-11-22T09:00:00)", None, "2026-11-22T10:00:00", None),
        ("rate(5 minutes)", None, "2026-11-22T10:00:00", "2026-11-22T10:05:00"),
        ("rate(1 day)", None, "2026-11-22T10:00:00", "2026-11-23T10:00:00"),
    ],
)
def test_schedules(expression: str, zone: str | None, after: str, expected: str | None) -> None:
    start = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp()
    found = schedule.read(expression, zone, start, 1.0)(start)
    shown = found and datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert shown == expected


@pytest.mark.parametrize(
    "expression",
    ["every day", "rate(0 minutes)", "at(tomorrow)", "cron(0 25 * * ? *)", "cron(* * *)"],
)
def test_schedules_that_cannot_be_read_are_refused(expression: str) -> None:
    with pytest.raises(AwsError) as refused:
        schedule.read(expression, None, 0.0, 1.0)
    assert expression in refused.value.message


def test_deregistering_leaves_nothing(shop: Shop) -> None:
    shop.register(Tags={"team": "shop"})
    shop.track()
    action = {"ScheduledActionName": "x", "ScalableTargetAction": {"MinCapacity": 1}}
    shop.do("PutScheduledAction", **VARIANT, **action, Schedule="rate(1 hour)")
    assert shop.app.autoscaling.registered(REGION, "shop") == ["all"]
    shop.app.autoscaling.deregister(REGION, endpoint="shop")
    assert shop.app.autoscaling.registered(REGION, "shop") == []
    for kind in ("scalable-target", "scaling-policy", "scheduled-action", "alarm"):
        assert shop.app.store.all(kind, REGION) == []
    assert shop.app.store.tagged_arns() == []
    with pytest.raises(AwsError) as refused:
        shop.do("DeregisterScalableTarget", **VARIANT)
    assert refused.value.code == "ObjectNotFoundException"
