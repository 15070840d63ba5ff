"""What a thing may have lived through, and so whether cleaning up has to act on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

OLD = timedelta(days=120)
#: Old enough for what bills by the hour, and hours younger than the longest KeepAlivePeriodInSeconds.
RECENT = timedelta(hours=3)
NOW = timedelta()
KEEP_FOR = timedelta(days=60)
ANOTHER_ENVIRONMENT = "another"


@dataclass(frozen=True)
class Story:
    """One life: how old the thing is, whose it is, whether it is kept, and what else is so of its kind (`how`)."""

    name: str
    acted: bool = False
    age: timedelta = OLD
    tagged: bool = True
    environment: str | None = None
    keep: str | None = None
    how: frozenset[str] = field(default_factory=frozenset)

    def tags(self, environment: str) -> dict[str, str]:
        """What a thing with this story carries in an account of that environment."""
        if not self.tagged:
            return {"team": "somebody-else"}
        tags = {
            "ManagedBy": "frugal",
            "frugal:environment": self.environment or environment,
            "frugal:owner": "growth",
            "frugal:model": "seeded",
        }
        return tags | ({"frugal:keep": self.keep} if self.keep else {})


def in_days(after: timedelta) -> str:
    return (datetime.now(UTC) + after).date().isoformat()


IDLE = Story("idle", acted=True)
KEPT = Story("kept", keep="yes")
KEPT_UNTIL = Story("kept-until", keep=in_days(KEEP_FOR))
KEEP_OVER = Story("keep-over", acted=True, keep=in_days(-KEEP_FOR))
FOREIGN = Story("foreign", tagged=False)
ELSEWHERE = Story("elsewhere", environment=ANOTHER_ENVIRONMENT)
YOUNG = Story("young", age=NOW)

#: What anything may have lived through.
COMMON = (IDLE, KEPT, KEPT_UNTIL, KEEP_OVER, FOREIGN, ELSEWHERE, YOUNG)


def recent(story: Story) -> Story:
    """The same within the last hours."""
    return Story(
        story.name,
        story.acted,
        min(story.age, RECENT),
        story.tagged,
        story.environment,
        story.keep,
        story.how,
    )


def special(name: str, *how: str, acted: bool = False, tagged: bool = True) -> Story:
    """A story that only some kinds have."""
    return Story(name, acted=acted, tagged=tagged, how=frozenset(how))
