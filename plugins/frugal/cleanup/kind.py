"""What every kind of thing has in common for cleaning up. A kind is data: see `cleanup.kinds` for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.resource import Facts, Resource

#: A thing that another one needs: its kind, and its name.
Reference = tuple[str, str]


class Gone(Exception):
    """A thing that was listed is not there any more."""


class Irreversible(Exception):
    """What was done cannot be taken back; the message says why and what is kept of it."""


@dataclass(frozen=True)
class Act:
    """One thing that can be done about a resource.

    recipe  all that `undo` needs, as JSON; None when the thing is gone. It is kept before `do` is called
    do      does it; called again after an interruption, it finishes. Returns what went, a line each
    undo    brings it back from its recipe, and leaves what stands already; returns what was made, a line each.
            None where AWS has no way: the recipe then only tells what it was
    ends    whether the thing is gone afterwards, and its mark with it
    """

    recipe: Callable[[Account, Resource], Recipe | None]
    do: Callable[[Account, Resource, Recipe], list[str]]
    undo: Callable[[Account, Recipe], list[str]] | None = None
    ends: bool = True


@dataclass(frozen=True)
class CleanupKind:
    """One kind of thing.

    order        AWS's order of removal, lowest first; also that of listing, so that what needs a thing is known
                 before the thing is judged
    list         everything of the kind in a region, whoever owns it, page by page
    changed      what was made or changed since then; by default everything is listed again
    again        one thing anew with its own tags, just before it is acted on; None when it is gone
    acts         what a rule may do about it, by name
    look         facts that only a call for each thing tells. They are remembered for as long as the fact `stamp` of its
                 List call stays the same. It raises Gone when the thing is gone
    needs        what a thing needs, as far as its List call tells, or its look
    look_tells   its look tells alone which things of that kind it needs: it waits until somebody asks who needs those
    after        the kinds that have to be known before one of this kind is judged: what may need it, or it hangs on
    monthly      dollars a month that it costs as it is; None when that is unknown
    tagged_as    its type in the tagging API; None where the API knows none: then `list` gives the tags
    markable     whether a mark can be put on it as a tag; otherwise it is kept in S3
    """

    name: str
    order: int
    list: Callable[[Account], Iterator[Iterable[Resource]]]
    again: Callable[[Account, Resource], Resource | None]
    acts: Mapping[str, Act]
    changed: Callable[[Account, datetime], Iterator[Iterable[Resource]]] | None = None
    look: Callable[[Account, Resource], Facts] | None = None
    needs: Callable[[Resource], Iterable[Reference]] = lambda resource: ()
    look_tells: str | None = None
    after: tuple[str, ...] = ()
    monthly: Callable[[Account, Resource], float | None] = lambda account, resource: 0.0
    tagged_as: str | None = None
    markable: bool = True
