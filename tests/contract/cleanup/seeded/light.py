"""A local AWS whose containers start at once and whose waits are short, and its clients."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from frugal.local import LocalAws

PROGRAMS = Path(__file__).resolve().parents[2] / "local_aws" / "programs"
CLOCK = 0.01


class LightAws(LocalAws):
    """It runs the programs of the local AWS's own tests in place of the images'."""

    def command(self) -> list[str]:
        """With an environment that is this process's Python."""
        home = self.home / "light"
        python = home / "envs" / "test" / "bin" / "python"
        if not python.exists():
            python.parent.mkdir(parents=True)
            python.symlink_to(Path(sys.executable).resolve())
            table = (PROGRAMS / "images.yaml").read_text().replace("{programs}", str(PROGRAMS))
            (home / "images.yaml").write_text(table)
        own = ["--envs", str(home / "envs"), "--images", str(home / "images.yaml")]
        return [*super().command(), *own, "--clock", str(CLOCK), "--endpoint-instances", "64"]


class Clients:
    """boto3's clients of one local AWS, each made once."""

    def __init__(self, local: LocalAws) -> None:
        self.local = local
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            environment = self.local.client_environment()
            self._made[service] = boto3.client(
                service,
                endpoint_url=environment["AWS_ENDPOINT_URL"],
                region_name=environment["AWS_DEFAULT_REGION"],
                aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"max_attempts": 3}),
            )
        return self._made[service]
