"""Comments by post, newest first, and answers in public and in private.

Answers below a comment come by webhook only (`item_comment_reply`): asking for each comment's own list would take a call
a comment and pull. UNVERIFIED: that `comment_user_id` of our own comments is our open_id; the word for `scene`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from drumtower.adapters.douyin.errors import GONE
from drumtower.adapters.douyin.schemas import Answered, Comment, Comments, In, Sent
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    Api,
    FeedbackPage,
    Finding,
    InteractionEvent,
    PlatformError,
    PostReference,
    Published,
    ReplyRequest,
    Undecidable,
)
from drumtower.platforms.answers import read_each
from drumtower.platforms.lookups import bare, recent
from drumtower.platforms.media import rejected
from drumtower.platforms.walks import State, TimeWalk, by_others, each_post

PAGE = 50
OVERLAP = timedelta(hours=1)  # Douyin reviews comments too, so one may show up below newer ones
_SHALLOW = "More than 50 answers stand under this comment."
_UNLISTED = "Douyin lists no sent messages: look into the account's conversation."


async def pull(api: Api, me: str, cursor: dict[str, Any], posts: Sequence[PostReference]) -> FeedbackPage:
    """Read one page of each post's comments."""

    async def read(post: PostReference, state: State) -> tuple[list[InteractionEvent], State]:
        return await _page(api, me, post, state)

    return await each_post(cursor, {post.external_id: post for post in posts}, read)


async def _page(api: Api, me: str, post: PostReference, state: State) -> tuple[list[InteractionEvent], State]:
    walk = TimeWalk.at(state, OVERLAP, post.published_at)
    query = {"open_id": me, "item_id": post.external_id, "cursor": walk.page or "0", "count": PAGE}
    try:
        page = await api.get("/item/comment/list/", In[Comments], sort_type="time", **query)
    except PlatformError as error:
        if error.failure.platform_code in GONE:
            return [], {}
        raise
    rows = read_each(Comment, page.data.rows)
    found = {row.comment_id: (row.create_time, row) for row in rows}
    following = str(page.data.cursor) if page.data.has_more else None
    new, after = walk.take(found, following, page.extra.now or datetime.now(UTC))
    events = by_others((_event(row, post.external_id) for row in new), me)
    return list(events), {**after.cursor(), "begin": after.page is not None}


def _event(row: Comment, item: str) -> InteractionEvent:
    return InteractionEvent(
        external_id=row.comment_id,
        kind=InteractionKind.COMMENT,
        author_id=row.comment_user_id,
        author_name=row.nick_name,
        text=row.content,
        occurred_at=row.create_time,
        post_external_id=item,
        context={"item_id": item},
    )


def _about(request: ReplyRequest) -> dict[str, str]:
    item = request.context.get("item_id") or request.post_external_id
    if not item:
        raise rejected("It is not known under which post this comment stands.")
    return {"item_id": str(item), "comment_id": request.external_id}


async def reply(api: Api, request: ReplyRequest) -> Published:
    body = _about(request) | {"content": request.text}
    me = request.credentials.account_id
    made = await api.post("/item/comment/reply/", In[Answered], body, once=True, open_id=me)
    return Published(external_id=made.data.comment_id)


async def find_reply(api: Api, request: ReplyRequest, since: datetime) -> Finding:
    """Look among the answers to the comment; messages can't be looked up."""
    if request.kind is InteractionKind.MESSAGE:
        return Undecidable(reason=_UNLISTED)
    me = request.credentials.account_id
    query = _about(request) | {"open_id": me, "cursor": "0", "sort_type": "time"}
    page = (await api.get("/item/comment/reply/list/", In[Comments], count=PAGE, **query)).data
    rows = read_each(Comment, page.rows)
    total = len(rows) if len(rows) == len(page.rows) and not page.has_more else None
    seen = recent(rows, since, lambda row: row.create_time, total)
    ours = (
        Published(external_id=row.comment_id, published_at=row.create_time)
        for row in seen.rows
        if row.comment_user_id == me and bare(row.content) == bare(request.text)
    )
    return seen.settle(next(ours, None), _SHALLOW)


async def message(api: Api, request: ReplyRequest) -> Published:
    """Answer a message in its conversation."""
    body = {
        "msg_id": request.external_id,
        "conversation_id": str(request.context.get("conversation_id", "")),
        "to_user_id": request.author_id,
        "scene": "im_reply_msg",
        "content": {"msg_type": 1, "text": {"text": request.text}},
    }
    sent = await api.post("/im/send/msg/", Sent, body, once=True, open_id=request.credentials.account_id)
    return Published(external_id=sent.msg_id)
