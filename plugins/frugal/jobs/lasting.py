"""What keeps its name for life, like an endpoint: made once, then changed, and never stopped while it serves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from frugal.aws.ownership import foreign
from frugal.jobs.bills import Description
from frugal.jobs.kind import JobKind, Request, is_busy
from frugal.jobs.outcome import AlgorithmFailed

DELETED_WITHIN_SECONDS = 1800.0
LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class LastingKind(JobKind):
    """A kind of which there is one for life: `ensure` brings it to what is asked for, whatever it is now.

    `stop` is its Delete call: the only thing that ends its bill.
    """

    one_per_attempt: bool = False

    def ensure(self, client: Any, name: str, request: Request) -> Description:
        """Make it when it is missing or failed, change it when it is something else; returns it described.

        Raises AlgorithmFailed, before anything is made, when it exists and is `foreign`. What is being
        changed into something else by somebody else is returned as it is: `is_for` tells.
        """
        found = self.settled(client, name, request, self.find(client, name))
        if found is not None and (whose := foreign(client, found[self.arn_key])):
            raise AlgorithmFailed(name, f"there is an {self.resource} of this name {whose}")
        if found is not None and found[self.status_key] == "Creating":
            tags = _creation(request).get("Tags", [])  # who adopts it answers for it
            client.add_tags(ResourceArn=found[self.arn_key], Tags=tags)
        self.prepare(client, request)
        if found is not None and found[self.status_key] == "Failed":
            self._delete(client, name)  # AWS does not update what failed
            found = None
        if found is None:
            self.make(client, name, request)
        elif self.is_over(found) and self.failure(found, request) is not None:
            self._change_once_it_rests(client, name, request)
        return getattr(client, self.describe)(**{self.name_key: name})  # type: ignore[no-any-return]

    def _change_once_it_rests(self, client: Any, name: str, request: Request) -> None:
        """Change it, unless it is being changed by now: autoscaling may come first. Whoever called then waits."""
        while True:
            try:
                return self.change(client, name, request)
            except client.exceptions.ClientError as error:
                if not is_busy(error.response["Error"]):
                    raise
            found = self.find(client, name)
            if found is None or not self.is_over(found):
                return None

    def settled(
        self, client: Any, name: str, request: Request, found: Description | None
    ) -> Description | None:
        """`found`, or what becomes of it where something else changes it that `request` has to wait for."""
        return found

    def prepare(self, client: Any, request: Request) -> None:
        """Make what it is made from, where that is missing."""

    def make(self, client: Any, name: str, request: Request) -> None:
        """Create it."""
        getattr(client, self.create)(**{**request, self.name_key: name})

    def change(self, client: Any, name: str, request: Request) -> None:
        """Update what serves to what `request` asks for."""
        raise NotImplementedError

    def halt(self, client: Any, name: str) -> bool:
        """Delete it if it is still being created; what serves, or is being updated, stays: AWS has no call
        that cancels an update, and the old one goes on serving.
        """
        found = self.find(client, name)
        if found is None or found[self.status_key] != "Creating":
            return False
        return self.remove(client, name)

    def remove(self, client: Any, name: str) -> bool:
        """Delete it, serving or not, if it is ours; returns whether there was anything to delete."""
        found = self.find(client, name)
        if found is None or found[self.status_key] == "Deleting":
            return False
        if foreign(client, found[self.arn_key]):
            return False
        getattr(client, self.stop)(**{self.name_key: name})
        return True

    def _delete(self, client: Any, name: str) -> None:
        getattr(client, self.stop)(**{self.name_key: name})
        deadline = time.monotonic() + DELETED_WITHIN_SECONDS
        while (found := self.find(client, name)) is not None:
            if time.monotonic() > deadline:
                status = found[self.status_key]
                raise TimeoutError(f"{name} is {status} {DELETED_WITHIN_SECONDS:g} s after delete")
            time.sleep(LOOK_SECONDS)


def _creation(request: Request) -> Request:
    """The request of its own Create call: an endpoint's stands among those of its parts."""
    creation: Request = request.get("Endpoint", request)
    return creation
