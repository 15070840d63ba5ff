"""The report of a night as Parquet rows beside the ledger, where the cost page reads them.

    s3://<bucket>/ledger/cleanup/date=<yyyy-mm-dd>/<run>.parquet

The same run written again takes the place of itself.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from frugal.cleanup.account import Account
from frugal.cleanup.report import Report, Row

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "ledger/cleanup"


def write(account: Account, report: Report) -> str:
    """Write the report's rows; returns the URI. Without rows, a file without rows says that there were none."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table(report), buffer, compression="zstd")
    key = f"{FOLDER}/date={report.at:%Y-%m-%d}/{report.run}.parquet"
    account.client("s3").put_object(Bucket=account.bucket, Key=key, Body=buffer.getvalue())
    return f"s3://{account.bucket}/{key}"


def table(report: Report) -> pa.Table:
    """One row for each thing that a rule found; dollars a month are null when the price is not known."""
    import pyarrow as pa

    return pa.Table.from_pylist(list(_documents(report, report.rows)), schema=schema())


def schema() -> pa.Schema:
    """What readers can rely on."""
    import pyarrow as pa

    time, word = pa.timestamp("us", tz="UTC"), pa.string()
    return pa.schema(
        [
            ("run", word),
            ("at", time),
            ("environment", word),
            ("region", word),
            ("kind", word),
            ("name", word),
            ("arn", word),
            ("owner", word),
            ("model", word),
            ("rule", word),
            ("action", word),
            ("state", word),
            ("reason", word),
            ("due", time),
            ("monthly_usd", pa.float64()),
            ("freed_usd", pa.float64()),
            ("leaking_usd", pa.float64()),
            ("recipe", word),
            ("dry_run", pa.bool_()),
            ("simulated", pa.bool_()),
        ]
    )


def _documents(report: Report, rows: Iterable[Row]) -> Iterable[dict[str, Any]]:
    own = ("region", "kind", "name", "arn", "owner", "model", "rule", "action", "state", "reason")
    for row in rows:
        yield {
            "run": report.run,
            "at": report.at,
            "environment": report.environment,
            **{name: getattr(row, name) for name in own},
            "due": row.due,
            "monthly_usd": row.monthly,
            "freed_usd": row.monthly if row.freed else 0.0,
            "leaking_usd": row.monthly if row.leaks else 0.0,
            "recipe": row.recipe,
            "dry_run": report.dry_run,
            "simulated": report.simulated,
        }
