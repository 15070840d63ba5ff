"""The local AWS of the demo: started, or found running."""

from __future__ import annotations

import os
import time
from functools import cached_property
from http.client import HTTPException
from typing import Any

from demo.home import (
    BUCKET,
    REGION,
    DemoError,
    Home,
    clean_environment,
    free_port,
)
from demo.processes import Programs
from frugal import local

START_SECONDS = 300


class LocalAws:
    """AWS on this machine: `start` it, `wait` for it, then use `client` and `interrupt`.

    One that already serves this home's state is used and left running.
    """

    def __init__(self, home: Home, port: int) -> None:
        self.home = home
        self._clients: dict[str, Any] = {}
        self._local = local.LocalAws(home.path, port).where_it_runs()
        self.running = self._local.status()["running"]
        if not self.running:
            self._local = local.LocalAws(home.path, free_port(port))

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL is set to."""
        return self._local.url

    @cached_property
    def environment(self) -> dict[str, str]:
        """An environment in which every AWS client talks to this AWS, and to no other."""
        return (
            clean_environment()
            | self._local.client_environment()
            | {
                "AWS_REGION": REGION,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
                "AIRFLOW_CONN_AWS_DEFAULT": '{"conn_type": "aws"}',
                "FRUGAL_HOME": str(self.home.path),
                "FRUGAL_BUCKET": BUCKET,
                "FRUGAL_POLL_SECONDS": "0.5",
            }
        )

    def start(self, programs: Programs) -> None:
        """Start it as one of `programs`, unless it runs already."""
        if self.running:
            return
        try:
            command = self._local.command()
        except local.LocalAwsError as error:
            raise DemoError(str(error)) from error
        environment = self._local.environment()
        programs.start("local-aws", command, self._local.log_file, env=environment)

    def wait(self, programs: Programs) -> None:
        """Return once it answers. Raises DemoError when it exits or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not self._local.status()["running"]:
            programs.check()
            if time.monotonic() > deadline:
                raise DemoError(
                    f"the local AWS does not answer at {self.url}; see {self._local.log_file}"
                )
            time.sleep(0.1)

    def client(self, service: str) -> Any:
        """A boto3 client of this AWS, made once."""
        import boto3

        if service in self._clients:
            return self._clients[service]
        made = self._clients[service] = boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106
        )
        return made

    def interrupt(self, training_job: str) -> bool:
        """Take the spot capacity away from a training job, as AWS may at any time.

        False when there is nothing to take, as from a job that has just ended.
        """
        try:
            self._local.interrupt(training_job)
        except (local.NotRunning, HTTPException, OSError) as error:
            raise DemoError(f"the local AWS at {self.url} went away: {error}") from error
        except local.LocalAwsError:
            return False
        return True
