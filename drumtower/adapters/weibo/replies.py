"""Answers in public (comments) and in private (fan service), and how ours are found again."""

import json
import re
from datetime import datetime

from drumtower.adapters.weibo.schemas import Acknowledged, Comment, CommentList
from drumtower.platforms import Api, Finding, Published, ReplyRequest
from drumtower.platforms.lookups import bare, recent
from drumtower.platforms.media import rejected

# Weibo writes this in front of an answer to a comment by itself.
_PREFIX = re.compile(r"^回复@[^:：]{1,40}[:：]")


async def comment(api: Api, request: ReplyRequest) -> Published:
    """Answer a comment (comments/reply), or comment a status: ours, or one that mentions us (comments/create)."""
    status = _status(request)
    form = {"id": status, "comment": request.text, "comment_ori": "0", "rip": request.credentials["rip"]}
    if request.external_id == status:
        return _published(await api.send("POST", "comments/create", Comment, once=True, data=form))
    form |= {"cid": request.external_id, "without_mention": "0"}
    return _published(await api.send("POST", "comments/reply", Comment, once=True, data=form))


def _status(request: ReplyRequest) -> str:
    status = request.context.get("status_id") or request.post_external_id
    if not status:
        raise rejected("It is not known under which status this comment stands.")
    return str(status)


def _published(comment: Comment) -> Published:
    return Published(external_id=comment.id, published_at=comment.created_at)


async def find(api: Api, request: ReplyRequest, since: datetime) -> Finding:
    """Look among our newest comments. Weibo refuses equal answers to one comment, so one match is ours."""
    listed = await api.get("comments/by_me", CommentList, count=50)
    seen = recent(listed.comments, since, lambda comment: comment.created_at, listed.total_number)
    mine = (row for row in seen.rows if _answers(row, request) and _same(row.text, request.text))
    shallow = "More than 50 comments were written since: Weibo's list does not reach back far enough."
    return seen.settle(next((_published(row) for row in mine), None), shallow)


def _answers(row: Comment, request: ReplyRequest) -> bool:
    if row.reply_comment is not None:
        return row.reply_comment.id == request.external_id
    return row.status is not None and row.status.id == request.external_id


def _same(stored: str, sent: str) -> bool:
    return bare(_PREFIX.sub("", stored)) == bare(_PREFIX.sub("", sent))


async def message(api: Api, request: ReplyRequest) -> Published:
    """Answer in private. Weibo gives the message no id, so the delivery's own key stands for it."""
    data = json.dumps({"text": request.text}, ensure_ascii=False)
    form = {"type": "text", "data": data, "receiver_id": request.author_id, "save_sender_box": "1"}
    if not (await api.send("POST", "messages/reply", Acknowledged, once=True, data=form)).result:
        raise rejected("The fan service refused the message without a reason.")
    return Published(external_id=request.idempotency_key)
