"""Finds out, once a run, where it happens: account, bucket, published code, dataset, champion."""

from __future__ import annotations

from dataclasses import replace

from frugal.aws import clients, names, publish, registry
from frugal.aws.run import Run
from frugal.aws.settings import Settings
from frugal.spec import ModelSpec


class NoRawData(LookupError):
    """The raw prefix is empty."""


def place(spec: ModelSpec, dag_run_id: str) -> Run:
    """Where a run happens, whose it is and who is champion: a run without code and data.

    Raises registry.OtherEnvironment when another environment has the model in this account and region.
    """
    settings = Settings.load()
    registry.claim(spec.name)
    region = clients.client("s3").meta.region_name
    account = clients.client("sts").get_caller_identity()["Account"]
    return Run(
        id=names.run_id(settings.environment, dag_run_id),
        model=spec.name,
        region=region,
        account=account,
        bucket=settings.bucket or f"frugal-{account}-{region}",
        role_prefix=settings.role_prefix,
        code="",
        source="",
        code_hash="",
        fingerprint="",
        tags={
            "frugal:owner": spec.owner.team,
            "frugal:model": spec.name,
            "frugal:cost-center": spec.owner.cost_center,
            "frugal:environment": settings.environment,
        },
        champion=registry.champion(spec.name),
    )


def place_with_code(spec: ModelSpec, dag_run_id: str) -> Run:
    """The same, with the code that jobs run published."""
    run = place(spec, dag_run_id)
    files = publish.collect(spec, Settings.load().include)
    code, source = publish.publish(files, run.s3("code"))
    return replace(run, code=code, source=source, code_hash=publish.content_hash(files))


def prepare(spec: ModelSpec, dag_run_id: str) -> Run:
    """Publish the code, fingerprint the raw data, look up the champion.

    Raises NoRawData when there is nothing to train on.
    """
    run = place(spec, dag_run_id)
    raw_uri = f"s3://{run.bucket}/{spec.raw_prefix}"
    raw = {key: item for key, item in clients.list_objects(raw_uri).items() if item["Size"]}
    if not raw:
        raise NoRawData(f"no raw data for {spec.name}: {raw_uri} holds no objects")
    files = publish.collect(spec, Settings.load().include)
    code, source = publish.publish(files, f"s3://{run.bucket}/{spec.name}/code")
    return replace(
        run,
        code=code,
        source=source,
        code_hash=publish.content_hash(files),
        fingerprint=publish.fingerprint(spec, raw, files),
        raw={"objects": len(raw), "bytes": sum(item["Size"] for item in raw.values())},
    )
