"""What an AWS account has before a pipeline comes: one bucket, and the execution roles of its jobs."""

from __future__ import annotations

import json
from typing import Any

from demo.home import BUCKET

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


def create(s3: Any, iam: Any, environment: str = "dev") -> None:
    """Make what is not there yet. The bucket's tags say that it is ours, so that `clean_up` may clear old data away."""
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET)
        owned = {"ManagedBy": "frugal", "frugal:environment": environment}
        tags = [{"Key": key, "Value": value} for key, value in owned.items()]
        s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": tags})
    there = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    for name in sorted(set(ROLES) - there):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
