"""Requests to a live endpoint, for `drive`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from frugal.aws.settings import Settings
from frugal.serving.load_test.drive import MOST_AT_ONCE, Send

READ_SECONDS = 70  # AWS gives a real-time request 60


@asynccontextmanager
async def sender(endpoint: str, rows: Sequence[str], **arguments: Any) -> AsyncIterator[Send]:
    """Calls of InvokeEndpoint with CSV `rows` in turns, not retried: what fails counts as failed.

    `arguments` go with every call, such as TargetModel. An error is its AWS code, such as ThrottlingException.
    """
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    hook: AwsGenericHook[Any] = AwsGenericHook(
        aws_conn_id=Settings.load().conn_id,
        client_type="sagemaker-runtime",
        config=Config(
            retries={"total_max_attempts": 1},
            max_pool_connections=MOST_AT_ONCE,
            read_timeout=READ_SECONDS,
        ),
    )
    async with await hook.get_async_conn() as client:

        async def send(index: int) -> str | None:
            try:
                answer = await client.invoke_endpoint(
                    EndpointName=endpoint,
                    ContentType="text/csv",
                    Accept="text/csv",
                    Body=rows[index % len(rows)],
                    **arguments,
                )
                await answer["Body"].read()
            except ClientError as error:
                return str(error.response["Error"]["Code"])
            except BotoCoreError as error:
                return type(error).__name__
            return None

        yield send
