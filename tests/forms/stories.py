"""What every form of serving goes through, each a function of a cluster: a model from raw data to an endpoint, a second
version, whatever else the form is for, and its removal, after which nothing is left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tests.forms.cluster import BUCKET, Cluster, Ran

Story = Callable[[Cluster], None]

#: A mistake that no evaluation meets: it is asked with rows, and not with text.
BROKEN = """

def input_fn(data, content_type):
    raise RuntimeError("a bad version")
"""


def ran(cluster: Cluster, name: str, dag: str = "train", **conf: Any) -> Ran:
    """A DAG run that succeeds."""
    done = cluster.run(dag, name, conf)
    assert done.state == "success", (done.tasks, done.failures)
    return done


def serves(name: str, deploy: str) -> Story:
    """The story that every form shares: deployed, asked by the smoke test, updated, removed."""

    def play(cluster: Cluster) -> None:
        cluster.write(name, deploy)
        first = ran(cluster, name)
        assert first.tasks["smoke_test"] == first.tasks["deploy"] == "success", first.tasks
        assert first.tasks["scale"] in ("success", "skipped")
        before = config_of(cluster, name)
        cluster.write(name, deploy, rounds=4)
        second = ran(cluster, name)
        assert second.tasks["smoke_test"] == second.tasks["scale"] == "success", second.tasks
        assert (config_of(cluster, name) != before) is ("scale-to-zero" not in deploy)
        gone(cluster, name)

    play.__name__ = name
    return play


def multi_model(cluster: Cluster) -> None:
    """Two models of one endpoint."""
    names, endpoint = ["mm-a", "mm-b"], "shelf"
    targets = []
    for name in names:
        cluster.write(name, f"{{strategy: multi-model, endpoint: {endpoint}}}")
        targets.append(ran(cluster, name).result("go_live")["TargetModel"])
    for target in targets:
        assert cluster.ask(endpoint, TargetModel=target)
    cluster.frugal("remove", names[0], "--yes")
    assert cluster.ask(endpoint, TargetModel=targets[1])
    cluster.frugal("remove", names[1], "--yes")
    assert cluster.left(endpoint) == []


def batch(cluster: Cluster) -> None:
    """Checked by a transform job, then predicting what lies in S3."""
    name, s3 = "in-batch", cluster.client("s3")
    cluster.write(name, "{strategy: batch}")
    assert ran(cluster, name).tasks["smoke_test"] == "success"
    s3.put_object(Bucket=BUCKET, Key=f"{name}/batch/in/day.csv", Body="1,1\n2,2\n")
    output = ran(cluster, name, "batch").result("transform")["artifact"]
    key = f"{output.removeprefix(f's3://{BUCKET}/')}/day.csv.out"
    answers = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().split()
    assert len(answers) == 2
    gone(cluster, name)


def trial(kind: str, verdict: str) -> Story:
    """A challenger beside the champion, until it is decided."""
    name = f"try-{kind}"

    def play(cluster: Cluster) -> None:
        deploy = f"{{strategy: realtime, trial: {{kind: {kind}, percent: 50}}}}"
        cluster.write(name, deploy)
        ran(cluster, name)
        cluster.write(name, deploy, rounds=4)
        assert ran(cluster, name).result("register")["status"] == "PendingManualApproval"
        config = cluster.client("sagemaker").describe_endpoint_config(
            EndpointConfigName=config_of(cluster, name)
        )
        assert {"shadow": 1, "split": 2}[kind] == len(config["ProductionVariants"])
        ran(cluster, name, "promote", verdict=verdict)
        packages = cluster.client("sagemaker").list_model_packages(ModelPackageGroupName=name)
        statuses = [p["ModelApprovalStatus"] for p in packages["ModelPackageSummaryList"]]
        assert ("Rejected" in statuses) is (verdict == "withdraw"), statuses
        assert cluster.ask(name)
        gone(cluster, name)

    play.__name__ = f"{kind}, {verdict}"
    return play


def rolled_back(cluster: Cluster) -> None:
    """A bad version behind a canary, while a client asks: the run is red with the reason, the old model serves on."""
    name = "canary"
    deploy = (
        "{strategy: realtime, instances: 2, capture_percent: 0, rollout: {percent: 20, bake: 1h}}"
    )
    cluster.write(name, deploy)
    ran(cluster, name)
    before, answer = config_of(cluster, name), cluster.ask(name)
    cluster.write(name, deploy, rounds=4, inference=BROKEN)
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.05):
            try:
                cluster.ask(name)
            except cluster.client("sagemaker-runtime").exceptions.ClientError:
                continue

    client = threading.Thread(target=ask)
    client.start()
    try:
        bad = cluster.run("train", name)
    finally:
        over.set()
        client.join()
    assert bad.state == "failed"
    assert bad.tasks["deploy"] == "failed"
    assert "alarm" in bad.failures, bad.failures
    assert (config_of(cluster, name), cluster.ask(name)) == (before, answer)
    gone(cluster, name)


def changes(cluster: Cluster) -> None:
    """Serverless, realtime under its name, then back: refused before anything is paid for, and done as asked."""
    name = "changing"
    cluster.write(name, "{strategy: serverless}")
    ran(cluster, name)
    cluster.write(name, "{strategy: realtime, autoscale: {max: 2}}")
    ran(cluster, name)
    cluster.write(name, "{strategy: serverless}")
    refused = cluster.run("train", name)
    assert (refused.state, refused.tasks["prepare"]) == ("failed", "failed")
    assert "in place" in refused.failures
    cluster.write(name, f"{{strategy: serverless, endpoint: {name}-2}}")
    kept = ran(cluster, name).result("hand_over")
    assert set(kept["kept"]) == {name}
    cluster.write(name, f"{{strategy: async, endpoint: {name}-2, replace: remove}}")
    replaced = ran(cluster, name).result("hand_over")
    assert f"endpoint {name}" in replaced["removed"]
    gone(cluster, name)


def right_sized(cluster: Cluster) -> None:
    """The champion measured on another instance type, a training on another, and nothing left of either."""
    name, candidates = "sized", "{serving: [ml.m5.large], training: [ml.m5.large], seconds: 5}"
    cluster.write(name, f"{{strategy: serverless}}\nright_size: {candidates}")
    ran(cluster, name)
    before = cluster.left(name)
    document = ran(cluster, name, "right_size").result("report")
    for row in (*document["serving"], *document["training"]):
        assert (row["instance"], row["error"]) == ("ml.m5.large", None), row
    assert cluster.left(name) == before
    gone(cluster, name)


def config_of(cluster: Cluster, name: str) -> str:
    """Name of the configuration that an endpoint serves."""
    told = cluster.client("sagemaker").describe_endpoint(EndpointName=name)
    return str(told["EndpointConfigName"])


def gone(cluster: Cluster, name: str) -> None:
    """`frugal remove`, and nothing is left."""
    cluster.frugal("remove", name, "--yes")
    assert cluster.left(name) == []


STORIES: tuple[Story, ...] = (
    serves("plain-serverless", "{strategy: serverless}"),
    serves(
        "warm-serverless", "{strategy: serverless, provisioned_concurrency: 1, autoscale: {max: 2}}"
    ),
    serves(
        "in-real-time",
        "{strategy: realtime, instances: 2, autoscale: {min: 2, max: 3}, rollout: {percent: 20, bake: 1m}}",
    ),
    serves("queued", "{strategy: async}"),
    serves("asleep", "{strategy: scale-to-zero}"),
    multi_model,
    batch,
    trial("shadow", "promote"),
    trial("split", "withdraw"),
    rolled_back,
    changes,
    right_sized,
)
