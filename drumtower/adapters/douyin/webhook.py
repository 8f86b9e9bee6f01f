"""Douyin's pushes: SHA-1 over the client secret and the raw body. Nothing dates them; `Msg-Id` tells a repeat.

The address check is a push too (`verify_webhook`), so it is answered where pushes are taken. `content` is an object or
JSON in a string. An app has one address for all its accounts. Source: developer.open-douyin.com, webhooks.
"""

import hashlib
import json
from typing import Annotated, Any

from pydantic import BeforeValidator

from drumtower.adapters.douyin.schemas import Moment
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    AccountEvent,
    Credentials,
    FeedbackEvent,
    InteractionEvent,
    Received,
    WebhookAnswer,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.answers import Answer, Id, objects, read_each
from drumtower.platforms.signatures import check, check_size, json_body, sha1_over

_PLACEHOLDERS = {"image": "[图片]", "emoji": "[表情]", "video": "[视频]", "retain_consult_card": "[留资卡片]"}
_LONGEST_KEY = 128
_REVOKED = "The account took its authorisation back in Douyin."


def _opened(content: Any) -> Any:
    try:
        return json.loads(content) if isinstance(content, str) else content
    except (ValueError, RecursionError):
        return content


Content = Annotated[dict[str, Any], BeforeValidator(_opened)]


class Push(Answer):
    """What every push says."""

    event: Id
    client_key: str
    content: Content
    from_user_id: str = ""
    to_user_id: str = ""


class Written(Answer):
    """A message to the account."""

    conversation_short_id: Id
    server_message_id: Id
    create_time: Moment
    message_type: str = "text"
    text: str = ""


class Commented(Answer):
    """A comment under a post, or below another comment."""

    comment_id: Id
    comment_user_id: Id
    content: str
    create_time: Moment
    reply_to_item_id: Id
    reply_to_comment_id: str = ""


def receive(request: WebhookRequest, credentials: Credentials) -> Received:
    check_size(request)
    given = request.headers.get("x-douyin-signature", "")
    check(given, sha1_over(credentials["client_secret"], request.body))
    push = json_body(request, Push)
    key = request.headers.get("msg-id", "")[:_LONGEST_KEY] or hashlib.sha256(request.body).hexdigest()
    if push.event == "verify_webhook":
        answer = json.dumps({"challenge": push.content.get("challenge")})
        return Received(
            event_key=key, events=(), answer=WebhookAnswer(body=answer, content_type="application/json")
        )
    if push.client_key != credentials["client_key"]:
        raise WebhookRefused("foreign_app", "the push is for another app")
    me = credentials.account_id
    if me not in (push.to_user_id, push.from_user_id):
        account = push.to_user_id or push.from_user_id
        return Received(event_key=key, events=(), answer=WebhookAnswer(), account_id=account)
    return Received(event_key=key, events=(_event(push, me),), answer=WebhookAnswer(), account_id=me)


def _event(push: Push, me: str) -> FeedbackEvent:
    if push.event == "im_receive_msg":
        for said in read_each(Written, [push.content]):
            return _message(push, said)
        raise WebhookRefused("body_malformed", "a message that can't be read")
    if push.event == "item_comment_reply":
        for comment in read_each(Commented, [push.content]):
            return _comment(comment) if comment.comment_user_id != me else AccountEvent(name="own_comment")
        raise WebhookRefused("body_malformed", "a comment that can't be read")
    gone = push.event == "unauthorize" and "user_info" in _words(push.content.get("scopes"))
    return AccountEvent(name=push.event[:40], revoked=_REVOKED if gone else "")


def _words(value: Any) -> list[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _message(push: Push, said: Written) -> InteractionEvent:
    people = objects(push.content.get("user_infos"))
    name = next((one.get("nick_name") for one in people if one.get("open_id") == push.from_user_id), "")
    return InteractionEvent(
        external_id=said.server_message_id,
        kind=InteractionKind.MESSAGE,
        author_id=push.from_user_id,
        author_name=str(name or ""),
        text=said.text or _PLACEHOLDERS.get(said.message_type, f"[{said.message_type[:40]}]"),
        occurred_at=said.create_time,
        context={"conversation_id": said.conversation_short_id},
    )


def _comment(said: Commented) -> InteractionEvent:
    return InteractionEvent(
        external_id=said.comment_id,
        kind=InteractionKind.COMMENT,
        author_id=said.comment_user_id,
        text=said.content,
        occurred_at=said.create_time,
        post_external_id=said.reply_to_item_id,
        in_reply_to=said.reply_to_comment_id or None,
        context={"item_id": said.reply_to_item_id},
    )
