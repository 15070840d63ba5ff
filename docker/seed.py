"""Give the local AWS of docker-compose what an account has before a pipeline comes, and the example's raw data."""

from __future__ import annotations

import os

import boto3

from demo import account
from demo.home import EXAMPLE, Home
from demo.seed import upload, write_raw


def main() -> None:
    """Does nothing that is done already; AWS_ENDPOINT_URL says where."""
    s3 = boto3.client("s3")
    account.create(s3, boto3.client("iam"), os.environ.get("FRUGAL_ENVIRONMENT", "dev"))
    seeded = upload(s3, EXAMPLE, write_raw(Home.load()), mirror=False)
    print(f"{len(seeded.uploaded)} raw files uploaded for {EXAMPLE}")


if __name__ == "__main__":
    main()
