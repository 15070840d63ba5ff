"""A model's artefact, from S3 into the directory that a container finds it in."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from local_aws.backing.objects import ObjectStore
from local_aws.execution.transfer import DownloadError, download_prefix, find, split_uri, unpack


def fetch_model(
    objects: ObjectStore, container: dict[str, Any], target: Path, region: str, role: str
) -> None:
    """Put the model of a ContainerDefinition into `target`: ModelDataUrl or ModelDataSource, or none.

    Raises `DownloadError`.
    """
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source and source["S3DataType"] == "S3Prefix":
        download_prefix(objects, source["S3Uri"], target, region, role)
        return
    uri = source["S3Uri"] if source else container.get("ModelDataUrl")
    if uri is None:
        return
    stored = objects.head(*split_uri(uri))
    if stored is None:
        find(objects, uri, region, role)
        raise DownloadError(f"{uri} is not an object")
    if source and source["CompressionType"] == "None":
        shutil.copyfile(stored.path, target / Path(stored.key).name)
        return
    unpack(stored.path, target)
