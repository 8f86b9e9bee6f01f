"""Comments by polling (WeChat pushes none), and the two ways to answer.

The list has no documented order, so a changed total means: read it all. The cursor keeps which comments were seen, as
ranges, because their ids are small and mostly gapless.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from drumtower.adapters.wechat.articles import plain
from drumtower.adapters.wechat.client import DONE, Client, count, instant, objects
from drumtower.adapters.wechat.errors import ARTICLE_GONE
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    FeedbackPage,
    InteractionEvent,
    PlatformError,
    PostReference,
    Published,
    ReplyRequest,
)

_PAGE = 49  # 50 is refused
_INDEX = 0  # of the only article; 0-based in comment calls, 1-based everywhere else

Progress = dict[
    str, Any
]  # {"total": at the scan's start, "begin": where it goes on, "seen": [[first, last], …]}


async def pull(client: Client, cursor: dict[str, object], posts: Sequence[PostReference]) -> FeedbackPage:
    """Read one page of each article's comments; `more` while an article's scan is unfinished."""
    stored = cursor.get("articles")
    before: dict[str, Progress] = stored if isinstance(stored, dict) else {}
    wanted = {str(mid): post for post in posts if (mid := post.context.get("msg_data_id"))}
    progress = {mid: before.get(mid, {}) for mid in wanted}
    unfinished = [mid for mid in wanted if progress[mid].get("begin")]
    events: list[InteractionEvent] = []
    for mid in unfinished or wanted:
        found, progress[mid] = await _page(client, mid, wanted[mid], progress[mid])
        events += found
    more = any(state.get("begin") for state in progress.values())
    return FeedbackPage(events=tuple(events), cursor={"articles": progress}, more=more)


async def reply(client: Client, request: ReplyRequest) -> Published:
    """Answer a comment. WeChat takes one reply a comment, so a repeat is harmless (88005: it stands there already)."""
    body = {name: request.context[name] for name in ("msg_data_id", "index", "user_comment_id")}
    answer = await client.post("/cgi-bin/comment/reply/add", {**body, "content": plain(request.text)})
    context = {"stood_already": True} if str(answer.get("errcode")) in DONE else {}
    return Published(external_id=f"{request.external_id}_reply", context=context)


async def message(client: Client, request: ReplyRequest) -> Published:
    """Answer a message, once: WeChat gives no id, no key, and nothing to look it up by."""
    body = {"touser": request.author_id, "msgtype": "text", "text": {"content": plain(request.text)}}
    await client.post("/cgi-bin/message/custom/send", body, once=True)
    return Published(external_id=f"custom_{request.idempotency_key}")


async def _page(
    client: Client, mid: str, post: PostReference, before: Progress
) -> tuple[list[InteractionEvent], Progress]:
    begin = before.get("begin", 0)
    query = {"msg_data_id": int(mid), "index": _INDEX, "begin": begin, "count": _PAGE, "type": 0}
    try:
        body = await client.post("/cgi-bin/comment/list", query)
    except PlatformError as error:
        if error.failure.platform_code in ARTICLE_GONE:
            return [], {**before, "begin": 0}
        raise
    comments = [
        (number, one)
        for one in objects(body.get("comment"))
        if (number := count(one.get("user_comment_id"))) is not None
    ]
    total = count(body.get("total")) or 0
    seen = _numbers(before.get("seen", []))
    events = [_interaction(one, mid, number, post) for number, one in comments if number not in seen]
    reached = begin + _PAGE
    unchanged = begin == 0 and total == before.get("total")
    unfinished = reached < total and bool(comments) and not unchanged
    after = {
        "total": before.get("total") if begin else total,
        "begin": reached if unfinished else 0,
        "seen": _ranges(seen | {number for number, _ in comments}),
    }
    return events, after


def _interaction(one: dict[str, Any], mid: str, number: int, post: PostReference) -> InteractionEvent:
    external_id = f"{mid}_{_INDEX + 1}_{number}"
    replies = one.get("reply")
    # An object by the documentation, an array in one SDK's sample.
    first = next(iter(objects(replies if isinstance(replies, list) else [replies])), {})
    return InteractionEvent(
        external_id=external_id,
        kind=InteractionKind.COMMENT,
        # Without a WeChat identity the commenter has no openid; each such comment is a stranger's.
        author_id=str(one.get("openid") or f"unknown_{external_id}"),
        text=str(one.get("content") or ""),
        occurred_at=instant(one.get("create_time")),
        post_external_id=post.external_id,
        context={
            "msg_data_id": int(mid),
            "index": _INDEX,
            "user_comment_id": number,
            "elected": one.get("comment_type") == 1,
            **({"answered": str(first["content"])} if first.get("content") else {}),
        },
    )


def _numbers(ranges: Iterable[Sequence[int]]) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


def _ranges(numbers: set[int]) -> list[list[int]]:
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges
