"""What multi-model endpoints that are gone served: s3://<bucket>/serving/<endpoint>/{models,current,code}/.

An endpoint belongs to several models, so it goes by no model's retention but by the default of `unreferenced`.
"""

from __future__ import annotations

from collections.abc import Iterator

from frugal.cleanup.account import Account
from frugal.cleanup.artifact_deletion import DELETE
from frugal.cleanup.artifacts import Place, Sum, monthly
from frugal.cleanup.kind import CleanupKind
from frugal.cleanup.reap import known_specs
from frugal.cleanup.resource import Resource
from frugal.cleanup.signals.signal import words
from frugal.spec.retention import Retention

NAME, ROOT = "s3-serving", "serving/"
CURRENT = "current/"


def _list(account: Account) -> Iterator[list[Resource]]:
    place = Place(account, listing=True)
    if place.exists():
        yield [_resource(place, folder) for folder in place.folders(ROOT)]


def _again(account: Account, resource: Resource) -> Resource | None:
    place = Place(account)
    found = _resource(place, resource.name)
    return found if (found.facts or {})["objects"] else None


def _resource(place: Place, folder: str) -> Resource:
    total, models = Sum(), set()
    for item in place.objects(folder):
        total.add(item)
        rest = item["Key"].removeprefix(folder)
        if rest.startswith(CURRENT):
            models.add(rest.removeprefix(CURRENT).removesuffix(".json"))
    due, why = _judge(place, folder.rstrip("/"), models, total)
    return Resource(
        NAME,
        folder,
        place.account.region,
        place.arn(folder),
        tags=place.tags(),
        facts={
            "changed": total.changed,
            "objects": total.objects,
            "bytes": total.bytes,
            "due": due,
            "why": why,
        },
    )


def _judge(place: Place, unit: str, models: set[str], total: Sum) -> tuple[bool, str]:
    served = {spec.name for spec in known_specs() if spec.deploy.strategy == "multi-model"}
    age = Retention().unreferenced
    if models & served:
        return False, f"{', '.join(sorted(models & served))} is to be served there"
    if not place.older(total.changed, age):
        return False, f"written less than {words(age.total_seconds())} ago"
    if unit in place.references.held:
        return False, "a model or a job names it"
    return True, f"no model names it, and it was not written for {words(age.total_seconds())}"


KINDS = (
    CleanupKind(
        name=NAME,
        order=235,
        list=_list,
        again=_again,
        acts={"delete": DELETE},
        monthly=monthly,
        markable=False,
    ),
)
