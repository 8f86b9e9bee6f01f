"""Comments received and statuses that @ us, read newest first down to what we have.

Each pull is one page of each stream, because a normal app has 100 calls a user and day. A page may be short
though more follows (deleted rows are cut out), so only an empty one ends the walk; `max_id` gives its own
row again, which is dropped.
"""

from collections.abc import Sequence
from typing import Any

from drumtower.adapters.weibo.schemas import Comment, CommentList, Status, StatusList, permalink
from drumtower.domain.failures import NotPermitted
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import Api, FeedbackPage, InteractionEvent, PlatformError
from drumtower.platforms.walks import IdWalk, by_others

PAGE = 50


async def pull(api: Api, account: str, cursor: dict[str, Any]) -> FeedbackPage:
    """Return the next page of each stream; the cursor holds what is known and how far a walk has come."""
    comments, mentions = IdWalk(cursor.get("comments")), IdWalk(cursor.get("mentions"))
    start = not comments.on and not mentions.on
    events: list[InteractionEvent] = []
    if start or comments.on:
        page = await api.get("comments/to_me", CommentList, **_params(comments))
        events += [_comment(row) for row in comments.take(page.comments, lambda row: int(row.id))]
    if start or mentions.on:
        found = mentions.take(await _mentions(api, mentions), lambda row: int(row.id))
        events += [_mention(row) for row in found if row.user is not None]
    state = {"comments": comments.state(), "mentions": mentions.state()}
    return FeedbackPage(events=by_others(events, account), cursor=state, more=comments.on or mentions.on)


def _params(walk: IdWalk) -> dict[str, Any]:
    return {"since_id": walk.since, "count": PAGE, "max_id": walk.max if walk.on else None}


async def _mentions(api: Api, walk: IdWalk) -> Sequence[Status]:
    try:
        return (await api.get("statuses/mentions", StatusList, **_params(walk))).statuses
    except PlatformError as error:
        if isinstance(error.failure, NotPermitted):
            return ()  # some apps must ask for this permission; comments go on without it
        raise


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
