"""Pulls feedback without holes: the state of a walk down a platform's list, kept in the cursor between pulls.

Three lists need three walks: ids that grow (`IdWalk`), dates that may come late (`TimeWalk`), and a list per post
(`each_post`). A cursor holds JSON only.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from drumtower.platforms.outcomes import FeedbackPage, InteractionEvent, PostReference

Row = TypeVar("Row")
State = dict[str, Any]


def by_others(events: Iterable[InteractionEvent | None], own: str) -> tuple[InteractionEvent, ...]:
    """Leave out what we said ourselves, and what is nothing."""
    return tuple(event for event in events if event is not None and event.author_id != own)


class IdWalk:
    """One stream, newest first: everything up to `since` is known; a walk goes from `top` down and has come to `max`.

    A page may be short though more follows (platforms cut deleted rows out), so only one without news ends the walk.
    """

    def __init__(self, state: Mapping[str, int] | None) -> None:
        state = state or {}
        self.since, self.top, self.max = state.get("since", 0), state.get("top", 0), state.get("max", 0)

    @property
    def on(self) -> bool:
        return self.max > 0

    def take(self, rows: Sequence[Row], number: Callable[[Row], int]) -> list[Row]:
        """Keep what is new of a page, and note how far we are. `max`'s own row may come again; it is dropped."""
        fresh = [row for row in rows if self.since < number(row) and (not self.on or number(row) < self.max)]
        if fresh:
            self.top = max(self.top, *(number(row) for row in fresh))
            self.max = min(number(row) for row in fresh)
        else:
            self.since, self.top, self.max = max(self.since, self.top), 0, 0
        return fresh

    def state(self) -> dict[str, int]:
        return {"since": self.since, "top": self.top, "max": self.max}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWalk:
    """One stream by date, where something new may appear a little below what was read.

    So every walk goes back by `overlap` and leaves out what it has given already. `mark`: everything below was read,
    but for the overlap. `newest`: the newest one that this walk saw. `page`: where the walk goes on. `given`: what was
    handed out and may come again, with its date.
    """

    overlap: timedelta
    mark: datetime
    newest: datetime
    page: str | None = None
    given: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def at(cls, cursor: Mapping[str, Any], overlap: timedelta, first: datetime) -> "TimeWalk":
        """Read a stored cursor; {} is the first pull, which goes back to `first`."""
        mark = datetime.fromisoformat(cursor["mark"]) if "mark" in cursor else first
        newest = datetime.fromisoformat(cursor["newest"]) if "newest" in cursor else mark
        given = {key: datetime.fromisoformat(date) for key, date in cursor.get("given", {}).items()}
        return cls(overlap=overlap, mark=mark, newest=newest, page=cursor.get("page"), given=given)

    def take(
        self,
        found: Mapping[str, tuple[datetime, Row]],
        following: str | None,
        now: datetime,
    ) -> tuple[list[Row], "TimeWalk"]:
        """Keep what is new of a page (by key, with its date): return it and where to go on.

        The walk goes down while every entry is young enough, then starts from the top.
        """
        floor = self.mark - self.overlap
        fresh = {key: (date, row) for key, (date, row) in found.items() if date >= floor}
        new = {key: pair for key, pair in fresh.items() if key not in self.given}
        # A date in the future must not hide what comes before it.
        newest = min(now, max([self.newest, *(date for date, _ in fresh.values())]))
        given = {**self.given, **{key: date for key, (date, _) in new.items()}}
        more = following not in (None, self.page) and len(fresh) == len(found)
        # What lies around this walk's end, while it goes on, and around the next one's is met again.
        end = self.mark if more else floor - self.overlap
        again = {
            key: date for key, date in given.items() if date >= newest - self.overlap or floor <= date <= end
        }
        after = TimeWalk(
            overlap=self.overlap,
            mark=self.mark if more else newest,
            newest=newest,
            page=following if more else None,
            given=again,
        )
        return [row for _, row in new.values()], after

    def restarted(self) -> "TimeWalk":
        """Begin the walk anew; for a page cursor that the server takes no more."""
        return TimeWalk(overlap=self.overlap, mark=self.mark, newest=self.mark, given=self.given)

    def cursor(self) -> State:
        given = {key: date.isoformat() for key, date in self.given.items()}
        walk = {"newest": self.newest.isoformat(), "page": self.page} if self.page else {}
        return {"mark": self.mark.isoformat(), "given": given, **walk}


PageOfPost = Callable[[PostReference, State], Awaitable[tuple[list[InteractionEvent], State]]]


async def each_post(
    cursor: Mapping[str, Any], posts: Mapping[str, PostReference], read: PageOfPost, name: str = "posts"
) -> FeedbackPage:
    """Read one page of each post's list. `posts` by the platform's own key; a state with "begin" is unfinished."""
    stored = cursor.get(name)
    before: dict[str, State] = stored if isinstance(stored, dict) else {}
    progress = {key: before.get(key, {}) for key in posts}
    unfinished = [key for key in posts if progress[key].get("begin")]
    events: list[InteractionEvent] = []
    for key in unfinished or posts:
        found, progress[key] = await read(posts[key], progress[key])
        events += found
    more = any(state.get("begin") for state in progress.values())
    return FeedbackPage(events=tuple(events), cursor={name: progress}, more=more)


def numbers_of(ranges: Iterable[Sequence[int]]) -> set[int]:
    """Read ids that were kept as ranges."""
    return {number for first, last in ranges for number in range(first, last + 1)}


def ranges_of(numbers: Iterable[int]) -> list[list[int]]:
    """Keep small, mostly gapless ids as ranges: [[first, last], …]."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges
