"""Comments received and statuses that @ us, read newest first down to what we have.

Each pull is one page of each stream, because a normal app has 100 calls a user and day. A page may be short
though more follows (deleted rows are cut out), so only an empty one ends the walk; `max_id` gives its own
row again, which is dropped.
"""

from collections.abc import Sequence
from typing import Any

from drumtower.adapters.weibo.client import WeiboCalls
from drumtower.adapters.weibo.schemas import Comment, CommentList, Status, StatusList, permalink, read
from drumtower.domain.failures import NotPermitted
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import FeedbackPage, InteractionEvent, PlatformError

PAGE = 50


async def pull(calls: WeiboCalls, account: str, cursor: dict[str, Any]) -> FeedbackPage:
    """Return the next page of each stream; the cursor holds what is known and how far a walk has come."""
    comments, mentions = _Walk(cursor.get("comments")), _Walk(cursor.get("mentions"))
    start = not comments.on and not mentions.on
    events: list[InteractionEvent] = []
    if start or comments.on:
        page = read(CommentList, await calls.get("comments/to_me", **comments.params()))
        events += [_comment(row) for row in comments.take(page.comments) if row.user.id != account]
    if start or mentions.on:
        found = mentions.take(await _mentions(calls, mentions))
        events += [_mention(row) for row in found if row.user is not None and row.user.id != account]
    state = {"comments": comments.state(), "mentions": mentions.state()}
    return FeedbackPage(events=tuple(events), cursor=state, more=comments.on or mentions.on)


async def _mentions(calls: WeiboCalls, walk: "_Walk") -> Sequence[Status]:
    try:
        return read(StatusList, await calls.get("statuses/mentions", **walk.params())).statuses
    except PlatformError as error:
        if isinstance(error.failure, NotPermitted):
            return ()  # some apps must ask for this permission; comments go on without it
        raise


class _Walk:
    """One stream: everything up to `since` is known; a walk goes from `top` down and has come to `max`."""

    def __init__(self, state: dict[str, int] | None) -> None:
        state = state or {}
        self.since, self.top, self.max = state.get("since", 0), state.get("top", 0), state.get("max", 0)

    @property
    def on(self) -> bool:
        return self.max > 0

    def params(self) -> dict[str, int]:
        known = {"since_id": self.since, "count": PAGE}
        return known | {"max_id": self.max} if self.on else known

    def take(self, rows: Sequence[Any]) -> list[Any]:
        """Keep what is new of a page, and note how far we are."""
        fresh = [row for row in rows if self.since < int(row.id) and (not self.on or int(row.id) < self.max)]
        if fresh:
            self.top = max(self.top, *(int(row.id) for row in fresh))
            self.max = min(int(row.id) for row in fresh)
        else:
            self.since, self.top, self.max = max(self.since, self.top), 0, 0
        return fresh

    def state(self) -> dict[str, int]:
        return {"since": self.since, "top": self.top, "max": self.max}


def _comment(row: Comment) -> InteractionEvent:
    status = row.status.id if row.status else None
    owner = row.status.user.id if row.status and row.status.user else None
    return InteractionEvent(
        external_id=row.id,
        kind=InteractionKind.COMMENT,
        author_id=row.user.id,
        author_name=row.user.screen_name,
        text=row.text,
        occurred_at=row.created_at,
        post_external_id=status,
        in_reply_to=row.reply_comment.id if row.reply_comment else None,
        url=permalink(owner, status) if owner and status else None,
        context={"status_id": status},
    )


def _mention(row: Status) -> InteractionEvent:
    author = row.user.id if row.user else ""
    return InteractionEvent(
        external_id=row.id,
        kind=InteractionKind.MENTION,
        author_id=author,
        author_name=row.user.screen_name if row.user else "",
        text=row.text,
        occurred_at=row.created_at,
        url=permalink(author, row.id),
        context={"status_id": row.id},
    )
