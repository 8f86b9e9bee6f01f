"""The fan service's pushes (粉丝服务平台): messages, follows, menu clicks and, where granted, mentions.

The signature covers the app secret, a time stamp and a nonce, but not the body: a captured triple could
carry another body for as long as its stamp is fresh. So stale stamps are refused, and the callback's
address is a secret too. There is no message id: sender, time, type and a hash of the content stand in for
it. Inner fields of voice, image and mention pushes are UNVERIFIED, so they are read only where they are
there.
"""

import hashlib
import json
from typing import Any

from pydantic import BaseModel

from drumtower.adapters.weibo.schemas import Moment
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
from drumtower.platforms.answers import NumberId
from drumtower.platforms.signatures import json_body

_PLACEHOLDERS = {"image": "[图片]", "voice": "[语音]", "position": "[位置]"}


class Push(BaseModel):
    """One push, as far as all types share it."""

    type: str
    receiver_id: NumberId
    sender_id: NumberId
    created_at: Moment
    text: str | None = None
    data: dict[str, Any] | None = None


def read(request: WebhookRequest, credentials: Credentials) -> Received:
    """Read a verified push."""
    push = json_body(request, Push)
    if push.receiver_id != credentials.account_id:
        raise WebhookRefused("foreign_account", "the push is for another account")
    key = _key(push)
    # An empty answer within 5 s means: received, no reply, do not send again.
    return Received(event_key=key, events=(_event(push, key),), answer=WebhookAnswer())


def _key(push: Push) -> str:
    content = json.dumps([push.type, push.text, push.data], ensure_ascii=False, sort_keys=True)
    digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{push.sender_id}:{int(push.created_at.timestamp())}:{digest}"


def _event(push: Push, key: str) -> FeedbackEvent:
    subtype = str((push.data or {}).get("subtype", ""))[:40]
    if push.type == "mention":
        return _mention(push, subtype) or AccountEvent(name="mention")
    if push.type == "event":
        return AccountEvent(name=subtype or "event")
    if push.type != "text" and push.type not in _PLACEHOLDERS:
        return AccountEvent(name=push.type[:40])
    return InteractionEvent(
        external_id=key,
        kind=InteractionKind.MESSAGE,
        author_id=push.sender_id,
        text=push.text or _PLACEHOLDERS.get(push.type, ""),
        occurred_at=push.created_at,
    )


def _mention(push: Push, subtype: str) -> InteractionEvent | None:
    named = str((push.data or {}).get("key", ""))
    if not (named.isdecimal() and len(named) <= 20) or subtype != "status":
        # A comment that mentions us names no status here, so it could not be answered.
        return None
    return InteractionEvent(
        external_id=named,
        kind=InteractionKind.MENTION,
        author_id=push.sender_id,
        text=push.text or "",
        occurred_at=push.created_at,
        context={"status_id": named},
    )
