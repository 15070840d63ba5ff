"""What a training job gets from S3 and leaves there: channels, checkpoints, the model, its output."""

from __future__ import annotations

from typing import Any

from local_aws.backing.objects import ObjectStore
from local_aws.execution.layout import Layout
from local_aws.execution.transfer import (
    Mirror,
    download,
    download_prefix,
    split_uri,
    upload_archive,
    upload_directory,
)
from local_aws.store import Record


def download_channels(objects: ObjectStore, record: Record, region: str, layout: Layout) -> None:
    """Fetch every channel and write the files of input/config. Raises `DownloadError`."""
    channels: dict[str, Any] = {}
    for channel in record.get("InputDataConfig", []):
        name, source = channel["ChannelName"], channel["DataSource"]["S3DataSource"]
        target = layout.base / "input" / "data" / name
        kind, uri = source["S3DataType"], source["S3Uri"]
        download(objects, uri, kind, target, region, record["RoleArn"])
        channels[name] = {
            "TrainingInputMode": "File",
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if "ContentType" in channel:
            channels[name]["ContentType"] = channel["ContentType"]
    layout.write_config("inputdataconfig", channels)
    layout.write_config("hyperparameters", record.get("HyperParameters", {}))
    instance = record["ResourceConfig"].get("InstanceType", "")
    layout.write_config("resourceconfig", resource_config(instance))
    metrics = record["AlgorithmSpecification"].get("MetricDefinitions", [])
    layout.write_config("metric-definition-regex", {"metrics": metrics})


def restore_checkpoints(
    objects: ObjectStore, record: Record, region: str, layout: Layout
) -> Mirror | None:
    """Restore the checkpoints there are; what mirrors those that will be written, if any are."""
    config = record.get("CheckpointConfig")
    if not config:
        return None
    directory = layout.local(config.get("LocalPath", "/opt/ml/checkpoints"))
    directory.mkdir(parents=True, exist_ok=True)
    mirror = Mirror(objects, directory, config["S3Uri"])
    prefix = config["S3Uri"].rstrip("/") + "/"
    bucket, key = split_uri(prefix)
    if objects.exists(bucket) and objects.list(bucket, key):
        download_prefix(objects, prefix, directory, region, record["RoleArn"])
    mirror.mark_current()
    layout.write_config("checkpointconfig", {"S3Uri": config["S3Uri"]})
    return mirror


def upload_model(objects: ObjectStore, record: Record, layout: Layout) -> str:
    """Store /opt/ml/model as the request wants it; its URI. Raises `UploadError`."""
    directory = layout.base / "model"
    if record["OutputDataConfig"].get("CompressionType") == "NONE":
        uri = _output_uri(record, "model/")
        upload_directory(objects, directory, uri)
        return uri
    uri = _output_uri(record, "model.tar.gz")
    upload_archive(objects, directory, uri, layout.base / "tmp")
    return uri


def upload_output(objects: ObjectStore, record: Record, layout: Layout) -> None:
    """Store /opt/ml/output/data, if anything is there. Raises `UploadError`."""
    directory = layout.base / "output" / "data"
    if directory.is_dir() and any(directory.iterdir()):
        uri = _output_uri(record, "output.tar.gz")
        upload_archive(objects, directory, uri, layout.base / "tmp")


def _output_uri(record: Record, name: str) -> str:
    base = record["OutputDataConfig"]["S3OutputPath"].rstrip("/")
    return f"{base}/{record['TrainingJobName']}/output/{name}"


def resource_config(instance_type: str) -> dict[str, Any]:
    """resourceconfig.json of a job on one instance."""
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type}
    return {
        "current_host": "algo-1",
        "current_instance_type": instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [{**group, "hosts": ["algo-1"]}],
        "network_interface_name": "lo",
    }
