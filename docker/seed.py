"""Give the local AWS of docker-compose what an account has before a pipeline comes: a bucket, roles, the raw data."""

from __future__ import annotations

import json
import os

import boto3

from demo.home import BUCKET, Home
from demo.seed import upload, write_raw

MODEL = "house-prices"
ROLES = ("frugal-preprocess", "frugal-train", "frugal-serve")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def main() -> None:
    """Does nothing that is done already; AWS_ENDPOINT_URL says where."""
    s3, iam = boto3.client("s3"), boto3.client("iam")
    s3.create_bucket(Bucket=BUCKET)
    owned = {
        "ManagedBy": "frugal",
        "frugal:environment": os.environ.get("FRUGAL_ENVIRONMENT", "dev"),
    }
    tags = [{"Key": key, "Value": value} for key, value in owned.items()]
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": tags})
    there = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    for name in sorted(set(ROLES) - there):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    seeded = upload(s3, MODEL, write_raw(Home.load()), mirror=False)
    print(f"{len(seeded.uploaded)} raw files uploaded for {MODEL}")


if __name__ == "__main__":
    main()
