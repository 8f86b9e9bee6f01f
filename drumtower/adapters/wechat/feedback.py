"""Comments by polling (WeChat pushes none), and the two ways to answer.

The list has no documented order, so a changed total means: read it all. The cursor keeps which comments were seen, as
ranges, because their ids are small and mostly gapless. A commenter has no name here: WeChat gives none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from drumtower.adapters.wechat.articles import plain
from drumtower.adapters.wechat.errors import ARTICLE_GONE, DONE
from drumtower.adapters.wechat.schemas import Body, instant
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    Absent,
    Api,
    FeedbackPage,
    InteractionEvent,
    PlatformError,
    PostReference,
    Published,
    ReplyRequest,
    Undecidable,
)
from drumtower.platforms.answers import count, listed, objects
from drumtower.platforms.errors import lost
from drumtower.platforms.media import rejected
from drumtower.platforms.walks import State, each_post, numbers_of, ranges_of

_PAGE = 49  # 50 is refused
_INDEX = 0  # of the only article; 0-based in comment calls, 1-based everywhere else
_WHICH = ("msg_data_id", "index")
_NO_LIST = "WeChat has no list in which this answer could be found."


async def pull(api: Api, cursor: dict[str, object], posts: Sequence[PostReference]) -> FeedbackPage:
    """Read one page of each article's comments; `more` while an article's scan is unfinished."""

    async def read(post: PostReference, before: State) -> tuple[list[InteractionEvent], State]:
        return await _page(api, post, before)

    wanted = {str(mid): post for post in posts if (mid := post.context.get("msg_data_id"))}
    return await each_post(cursor, wanted, read, "articles")


async def reply(api: Api, request: ReplyRequest) -> Published:
    """Answer a comment, once. WeChat takes one reply a comment; where one stands (88005), it may be ours or not."""
    body = {name: request.context[name] for name in (*_WHICH, "user_comment_id")}
    said = {**body, "content": plain(request.text)}
    answer = await api.post("/cgi-bin/comment/reply/add", Body, said, once=True)
    code = str(answer.get("errcode"))
    if code not in DONE:
        _need_ok(code)
        return _replied(request)
    found = await find_reply(api, request)
    if isinstance(found, Published):
        return found
    raise rejected("another reply stands under this comment, and WeChat takes one only", code)


async def find_reply(api: Api, request: ReplyRequest) -> Published | Absent | Undecidable:
    """Look whether our reply stands under the comment; a message can't be looked up."""
    wanted = request.context.get("user_comment_id")
    begin, total = 0, 0 if wanted is None else 1
    while begin < total:
        body = await _comments(api, {name: request.context[name] for name in _WHICH}, begin)
        for one in listed(body, "comment"):
            if one.get("user_comment_id") == wanted:
                return _compared(request, _standing(one))
        begin, total = begin + _PAGE, count(body.get("total")) or 0
    return Undecidable(reason=_NO_LIST)


async def message(api: Api, request: ReplyRequest) -> Published:
    """Answer a message, once: WeChat gives no id, no key, and nothing to look it up by."""
    body = {"touser": request.author_id, "msgtype": "text", "text": {"content": plain(request.text)}}
    answer = await api.post("/cgi-bin/message/custom/send", Body, body, once=True)
    _need_ok(str(answer.get("errcode")))
    return Published(external_id=f"custom_{request.idempotency_key}")


def _need_ok(code: str) -> None:
    if code != "0":
        raise PlatformError(lost("the answer has no errcode", once=True))


def _compared(request: ReplyRequest, standing: str) -> Published | Absent | Undecidable:
    if not standing:
        return Absent()
    same = standing.strip() == plain(request.text).strip()
    return _replied(request) if same else Undecidable(reason=f"Another reply stands there: {standing[:200]}")


def _replied(request: ReplyRequest) -> Published:
    return Published(external_id=f"{request.external_id}_reply")


async def _comments(api: Api, article: Mapping[str, Any], begin: int) -> dict[str, Any]:
    query = {**article, "begin": begin, "count": _PAGE, "type": 0}
    return await api.post("/cgi-bin/comment/list", Body, query)


async def _page(api: Api, post: PostReference, before: State) -> tuple[list[InteractionEvent], State]:
    """State: "total" at the scan's start, "begin" where it goes on, "seen" as ranges."""
    mid = str(post.context["msg_data_id"])
    begin = before.get("begin", 0)
    try:
        body = await _comments(api, {"msg_data_id": int(mid), "index": _INDEX}, begin)
    except PlatformError as error:
        if error.failure.platform_code in ARTICLE_GONE:
            return [], {**before, "begin": 0}
        raise
    numbered = ((count(one.get("user_comment_id")), one) for one in listed(body, "comment"))
    comments = {number: one for number, one in numbered if number is not None}
    total = count(body.get("total")) or 0
    seen = numbers_of(before.get("seen", []))
    unchanged = begin == 0 and total == before.get("total")
    unfinished = begin + _PAGE < total and comments and not unchanged
    after = {
        "total": before.get("total") if begin else total,
        "begin": begin + _PAGE if unfinished else 0,
        "seen": ranges_of(seen | set(comments)),
    }
    new = [_interaction(one, mid, number, post) for number, one in comments.items() if number not in seen]
    return new, after


def _standing(one: dict[str, Any]) -> str:
    """Return the reply under a comment: an object by the documentation, an array in one SDK's sample."""
    replies = one.get("reply")
    first = next(iter(objects(replies if isinstance(replies, list) else [replies])), {})
    return str(first.get("content") or "")


def _interaction(one: dict[str, Any], mid: str, number: int, post: PostReference) -> InteractionEvent:
    external_id = f"{mid}_{_INDEX + 1}_{number}"
    answered = _standing(one)
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
            **({"answered": answered} if answered else {}),
        },
    )
