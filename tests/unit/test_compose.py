"""docker-compose.yaml gives nothing away: loopback ports, required secrets, few privileges, pinned images."""

from __future__ import annotations

import base64
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml


@pytest.fixture(scope="module")
def services(repository: Path) -> dict[str, dict[str, Any]]:
    """Service name -> what docker-compose.yaml says of it."""
    text = (repository / "docker-compose.yaml").read_text()
    known: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return known


def test_every_port_is_on_loopback(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_service_is_confined(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"]["max-size"], name
        assert service["mem_limit"], name
        assert not service.get("privileged"), name
        mounts = [volume for volume in service.get("volumes", []) if volume.startswith(".")]
        assert all(mount.endswith(":ro") for mount in mounts), name


def test_what_runs_on_reports_its_health(services: dict[str, dict[str, Any]]) -> None:
    unwatched = [
        name
        for name, service in services.items()
        if service["restart"] != "no" and "healthcheck" not in service
    ]
    assert not unwatched


def test_every_secret_has_to_be_given_and_is_generated(repository: Path, tmp_path: Path) -> None:
    text = (repository / "docker-compose.yaml").read_text()
    asked = set(re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|FERNET)\w*):\?", text))
    mentioned = set(re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|FERNET)\w*)", text))
    assert mentioned - asked == {"AWS_SECRET_ACCESS_KEY"}, "the local AWS takes any key"
    (tmp_path / "docker").mkdir()
    script = shutil.copy(repository / "docker" / "secrets", tmp_path / "docker")
    subprocess.run([script], check=True, capture_output=True)
    env = tmp_path / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    generated = dict(line.split("=", 1) for line in env.read_text().splitlines())
    assert set(generated) == asked
    assert len(base64.urlsafe_b64decode(generated["AIRFLOW_FERNET_KEY"])) == 32
    assert len(set(generated.values())) == len(generated)
    before = env.read_text()
    subprocess.run([script], check=True, capture_output=True)
    assert env.read_text() == before


def test_airflow_is_the_version_that_the_lock_pins(repository: Path) -> None:
    dockerfile = (repository / "docker" / "Dockerfile").read_text()
    lock = (repository / "requirements" / "airflow.txt").read_text()
    image = re.search(r"apache/airflow:([\d.]+)-python3", dockerfile)
    pin = re.search(r"^apache-airflow==([\d.]+)", lock, re.MULTILINE)
    assert image
    assert pin
    assert image[1] == pin[1]
