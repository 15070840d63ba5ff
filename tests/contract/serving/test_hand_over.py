"""From one form of serving to another: in place, beside the old one, or in its place, and never with a surprise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from frugal.aws import clients
from frugal.jobs.outcome import AlgorithmFailed
from frugal.local import LocalAws
from frugal.serving import publish, remove
from frugal.serving.form import obstacle
from frugal.serving.hand_over import hand_over
from tests.contract.serving.conftest import Account
from tests.contract.serving.test_multi_model import write_code
from tests.contract.waiting import await_true

SCALED = "{strategy: serverless, provisioned_concurrency: 1, autoscale: {max: 2}}"


def test_serverless_becomes_realtime_under_its_name_and_its_scaling_goes(account: Account) -> None:
    account.take_live(account.spec(SCALED), account.version(10))
    spec = account.spec("{strategy: realtime, capture_percent: 0}")
    assert obstacle(spec) is None
    account.take_live(spec, account.version(100))
    assert account.ask("2") == "200"
    assert account.left().keys() == {"endpoints", "configs", "models"}, "nothing scales it any more"
    account.take_away("{strategy: realtime}")


def test_what_does_not_change_in_place_is_refused_or_replaced_as_asked(account: Account) -> None:
    account.take_live(
        account.spec("{strategy: realtime, autoscale: {max: 2}}"), account.version(10)
    )
    served = account.status()["EndpointConfigName"]
    for strategy in ("serverless", "async", "scale-to-zero"):
        spec = account.spec(f"{{strategy: {strategy}}}")
        assert f"deploy: {{endpoint: {account.name}-2}}" in (obstacle(spec) or "")
        with pytest.raises(AlgorithmFailed, match=r"in place.*replace: remove"):
            account.take_live(spec, account.version(100))
    assert account.status()["EndpointConfigName"] == served
    account.take_live(account.spec("{strategy: serverless, replace: remove}"), account.version(100))
    assert account.ask("2") == "200"
    assert account.left().keys() == {"endpoints", "configs", "models"}
    account.take_away("{strategy: serverless}")


def test_an_old_endpoint_goes_when_nobody_asks_it_any_more(account: Account) -> None:
    account.take_live(
        account.spec("{strategy: realtime, autoscale: {max: 2}}"), account.version(10)
    )
    other = f"{account.name}-2"
    deploy = f"{{strategy: serverless, endpoint: {other}}}"
    spec = account.spec(deploy)
    account.take_live(spec, account.version(100))
    assert hand_over(spec)["kept"] == {account.name: "was made within the last 1 day, 0:00:00"}
    made = datetime.now(UTC)
    assert account.ask("2") == "20"
    await_true(lambda: invocations(account, made) == 1, "the request in CloudWatch")
    kept = hand_over(spec, now=made + spec.deploy.idle)["kept"]
    assert kept == {account.name: "was asked 1 times within the last 1 day, 0:00:00"}
    assert hand_over(account.spec(deploy.replace("}", ", replace: keep}")))["removed"] == []
    assert account.ask("2") == "20"
    gone = hand_over(spec, now=made + 2 * spec.deploy.idle)
    assert gone["kept"] == {}
    assert f"scaling of endpoint/{account.name}/variant/main" in gone["removed"]
    with pytest.raises(ClientError, match="not found"):
        account.ask("2")
    assert account.ask("2", EndpointName=other) == "200"
    assert hand_over(spec) == {"removed": [], "kept": {}}
    account.take_away(deploy)


def test_an_endpoint_that_serves_siblings_outlasts_the_model_that_made_it(account: Account) -> None:
    shared = f"{account.name}-s"
    together = f"{{strategy: multi-model, endpoint: {shared}}}"
    names = [account.name, f"{account.name}-b"]
    write_code(names)
    targets = []
    for name in names:
        spec = account.spec(together, name)
        inputs = account.take_live(spec, account.version(10, name))
        targets.append(publish.go_live(spec, inputs)["TargetModel"])
    alone = account.spec("{strategy: serverless, replace: remove}")
    account.take_live(alone, account.version(100))
    assert hand_over(alone)["kept"] == {shared: f"endpoint {shared} serves other models, too"}
    assert account.ask("2", EndpointName=shared, TargetModel=targets[1]) == "20"
    with pytest.raises(AlgorithmFailed, match="serves other models, too"):
        account.take_live(
            account.spec(f"{{strategy: realtime, endpoint: {shared}, replace: remove}}"),
            account.version(100),
        )
    remove.remove(remove.find(account.spec(together, names[1])))
    assert account.ask("2", EndpointName=shared, TargetModel=targets[0]) == "20"
    assert f"endpoint {shared}" in hand_over(alone)["removed"]
    account.take_away("{strategy: serverless}")


def test_scaling_and_alarms_of_others_are_left_alone(account: Account) -> None:
    deploy = "{strategy: realtime, autoscale: {max: 2, steps: [{above: 900, add: 1}]}}"
    account.take_live(account.spec(deploy), account.version(10))
    alarm = f"frugal/{account.name}/by-hand"
    account.cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        Namespace="Ours",
        MetricName="Sales",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    autoscaler = clients.client("application-autoscaling")
    (target,) = autoscaler.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{account.name}/variant/main"]
    )["ScalableTargets"]
    arn, key = target["ScalableTargetARN"], "frugal:environment"
    autoscaler.tag_resource(ResourceARN=arn, Tags={key: "prod"})
    with pytest.raises(remove.NotRemovable, match=r"scaling of .* of the environment prod"):
        remove.find(account.spec(deploy))
    autoscaler.tag_resource(ResourceARN=arn, Tags={key: "dev"})
    remove.remove(remove.find(account.spec(deploy)))
    assert account.left() == {"alarms": [alarm]}
    account.cloudwatch.delete_alarms(AlarmNames=[alarm])


def test_a_removal_outlasts_throttling(
    account: Account, fast_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy = "{strategy: realtime, autoscale: {max: 2}}"
    account.take_live(account.spec(deploy), account.version(10))
    found = remove.find(account.spec(deploy))
    monkeypatch.setattr(clients, "RETRIES", {"mode": "standard", "total_max_attempts": 1})
    clients.forget()
    throttled = ("DeregisterScalableTarget", "DeleteEndpoint", "DeleteModel")
    for operation in throttled:
        rule = {"fault": "throttle", "operation": operation, "count": 1}
        fast_aws.ask("POST", "/_local/faults", rule)
    remove.remove(found)
    rules = fast_aws.ask("GET", "/_local/faults")["rules"]
    assert sum(rule["fired"] for rule in rules) == len(throttled)
    fast_aws.ask("DELETE", "/_local/faults")
    assert account.left() == {}


def invocations(account: Account, since: datetime) -> float:
    """Requests that CloudWatch knows of."""
    found = account.cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[
            {"Name": "EndpointName", "Value": account.name},
            {"Name": "VariantName", "Value": "main"},
        ],
        StartTime=since - timedelta(hours=1),
        EndTime=since + timedelta(hours=1),
        Period=3600,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))
