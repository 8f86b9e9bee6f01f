"""Answers in public (comments) and in private (fan service), and how ours are found again."""

import json
import re
from datetime import datetime

from drumtower.adapters.weibo.client import WeiboCalls
from drumtower.adapters.weibo.posts import SLACK, bare
from drumtower.adapters.weibo.schemas import Acknowledged, Comment, CommentList, read
from drumtower.domain.failures import ContentRejected
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import Absent, Finding, PlatformError, Published, ReplyRequest, Undecidable

# Weibo writes this in front of an answer to a comment by itself.
_PREFIX = re.compile(r"^回复@[^:：]{1,40}[:：]")


async def comment(calls: WeiboCalls, request: ReplyRequest) -> Published:
    """Answer a comment (comments/reply) or a status that mentions us (comments/create)."""
    status = _status(request)
    form = {"id": status, "comment": request.text, "comment_ori": "0", "rip": request.credentials["rip"]}
    if request.kind is InteractionKind.MENTION and request.external_id == status:
        body = await calls.post("comments/create", form, once=True)
    else:
        form |= {"cid": request.external_id, "without_mention": "0"}
        body = await calls.post("comments/reply", form, once=True)
    return _published(read(Comment, body, once=True))


def _status(request: ReplyRequest) -> str:
    status = request.context.get("status_id") or request.post_external_id
    if not status:
        raise PlatformError(ContentRejected(detail="It is not known under which status this comment stands."))
    return str(status)


def _published(comment: Comment) -> Published:
    return Published(external_id=comment.id, published_at=comment.created_at)


async def find(calls: WeiboCalls, request: ReplyRequest, since: datetime) -> Finding:
    """Look among our newest comments. Weibo refuses equal answers to one comment, so one match is ours."""
    listed = read(CommentList, await calls.get("comments/by_me", count=50))
    recent = [row for row in listed.comments if row.created_at >= since - SLACK]
    ours = next((row for row in recent if _answers(row, request) and _same(row.text, request.text)), None)
    if ours is not None:
        return _published(ours)
    total = listed.total_number
    if len(recent) < len(listed.comments) or (total is not None and len(listed.comments) >= total):
        return Absent()
    return Undecidable(
        reason="More than 50 comments were written since: Weibo's list does not reach back far enough."
    )


def _answers(row: Comment, request: ReplyRequest) -> bool:
    if row.reply_comment is not None:
        return row.reply_comment.id == request.external_id
    return row.status is not None and row.status.id == request.external_id


def _same(stored: str, sent: str) -> bool:
    return bare(_PREFIX.sub("", stored)) == bare(_PREFIX.sub("", sent))


async def message(calls: WeiboCalls, request: ReplyRequest) -> Published:
    """Answer in private. Weibo gives the message no id, so the delivery's own key stands for it."""
    data = json.dumps({"text": request.text}, ensure_ascii=False)
    form = {"type": "text", "data": data, "receiver_id": request.author_id, "save_sender_box": "1"}
    body = await calls.post("messages/reply", form, once=True)
    if not read(Acknowledged, body, once=True).result:
        raise PlatformError(ContentRejected(detail="The fan service refused the message without a reason."))
    return Published(external_id=request.idempotency_key)
