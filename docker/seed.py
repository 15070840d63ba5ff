"""Give the local AWS of docker-compose what an account has before a pipeline comes: a bucket, roles, the raw data."""

from __future__ import annotations

import os

from demo.aws import LocalAws
from demo.home import Home
from demo.seed import upload, write_raw

MODEL = "house-prices"


def main() -> None:
    """Does nothing that is done already."""
    home = Home.load()
    aws = LocalAws(home, int(os.environ.get("FRUGAL_LOCAL_AWS_PORT", "4566")))
    if not aws.running:
        raise SystemExit(f"no local AWS answers at {aws.url}")
    aws.create_account()
    count = upload(aws.client("s3"), MODEL, write_raw(home))
    print(f"{count} raw files uploaded for {MODEL}")


if __name__ == "__main__":
    main()
