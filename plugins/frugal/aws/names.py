"""Names that AWS accepts and that can be found again: the same inputs give the same name."""

from __future__ import annotations

import hashlib
import re

MAX_LENGTH = 63  # jobs, models, endpoints: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}, botocore's model
DIGEST_LENGTH = 10


def digest(*parts: object) -> str:
    """Ten hexadecimal digits that stand for `parts`, in order."""
    text = "\0".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def slug(text: str) -> str:
    """`text` with every run of characters that AWS refuses turned into one hyphen."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", text).strip("-")


def unique(base: str, *parts: object, length: int = MAX_LENGTH) -> str:
    """`<base>-<digest of parts>`, cut to `length` characters in the base, never in the digest."""
    room = length - DIGEST_LENGTH - 1
    return f"{slug(base)[:room].rstrip('-')}-{digest(*parts)}"


def run_id(environment: str, dag_run_id: str) -> str:
    """A DAG run's id as it appears in S3 keys and tags: readable, and unique through its digest."""
    return unique(slug(dag_run_id)[:32], environment, dag_run_id)
