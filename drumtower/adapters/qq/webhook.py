"""What QQ pushes: signed with Ed25519 by a key that the bot's secret makes; read into events. Pure."""

import json
import re
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AwareDatetime, Field

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
from drumtower.platforms.answers import Answer, Id
from drumtower.platforms.signatures import check_age, check_size, json_body

_SEED = 32  # bytes
_TAKEN = WebhookAnswer(body='{"op":12}', content_type="application/json")
_EVENT, _VALIDATION = 0, 13
# What is signed for anybody must never read as an event: digits before the time, no braces in the token.
_PLAIN_TOKEN, _EVENT_TS = re.compile(r"[A-Za-z0-9_-]{1,64}"), re.compile(r"[0-9]{1,15}")


class Push(Answer):
    """The envelope of every push."""

    op: int
    id: str = ""
    t: str = ""
    d: dict[str, Any] = Field(default_factory=dict)


class Author(Answer):
    """Openids are the bot's own names for people."""

    member_openid: str = ""
    user_openid: str = ""


class Said(Answer):
    """A message that names the bot, or a private one."""

    id: Id
    author: Author
    content: str
    timestamp: AwareDatetime
    group_openid: str = ""


def key(secret: str) -> Ed25519PrivateKey:
    """Make the key: the secret again and again until it fills the seed."""
    encoded = secret.encode()
    if not encoded:
        raise WebhookRefused("signature_invalid", "the channel holds no secret")
    return Ed25519PrivateKey.from_private_bytes((encoded * (_SEED // len(encoded) + 1))[:_SEED])


def receive(request: WebhookRequest, credentials: Credentials) -> Received:
    """Read one push. The check of our address is a push too, and the only one that need not be signed."""
    check_size(request)
    push = json_body(request, Push)
    if push.op == _VALIDATION:
        return _validated(push, credentials)
    _check(request, credentials)
    if push.op != _EVENT or not push.id or not push.t:
        raise WebhookRefused("body_malformed", "the body is no event")
    return Received(event_key=f"event:{push.id[:128]}", events=(_event(push, request),), answer=_TAKEN)


def _check(request: WebhookRequest, credentials: Credentials) -> None:
    stamp = request.headers.get("x-signature-timestamp", "")
    try:
        signature = bytes.fromhex(request.headers.get("x-signature-ed25519", ""))
        signed = stamp.encode() + request.body
        key(credentials["app_secret"]).public_key().verify(signature, signed)
    except (ValueError, InvalidSignature) as error:
        raise WebhookRefused("signature_invalid", "X-Signature-Ed25519 does not match") from error
    check_age(stamp, request.received_at)
    if request.headers.get("x-bot-appid") != (credentials.account_id or credentials["app_id"]):
        raise WebhookRefused("appid_mismatch", "the push is meant for another bot")


def _validated(push: Push, credentials: Credentials) -> Received:
    token, stamp = str(push.d.get("plain_token")), str(push.d.get("event_ts"))
    if not _PLAIN_TOKEN.fullmatch(token) or not _EVENT_TS.fullmatch(stamp):
        raise WebhookRefused("body_malformed", "the address check has no usable token")
    signature = key(credentials["app_secret"]).sign(f"{stamp}{token}".encode()).hex()
    body = json.dumps({"plain_token": token, "signature": signature})
    answer = WebhookAnswer(body=body, content_type="application/json")
    return Received(event_key=f"validation:{stamp}:{token}", events=(), answer=answer)


def _event(push: Push, request: WebhookRequest) -> FeedbackEvent:
    kinds = {
        "GROUP_AT_MESSAGE_CREATE": InteractionKind.MENTION,
        "C2C_MESSAGE_CREATE": InteractionKind.MESSAGE,
    }
    if push.t not in kinds:
        return AccountEvent(name=push.t[:128])
    try:
        said = Said.model_validate(push.d)
    except ValueError as error:
        raise WebhookRefused("body_malformed", "the body is no message") from error
    author = said.author.member_openid or said.author.user_openid
    if not author or (push.t == "GROUP_AT_MESSAGE_CREATE" and not said.group_openid):
        raise WebhookRefused("body_malformed", "nobody said it, or nowhere")
    return InteractionEvent(
        external_id=said.id,
        kind=kinds[push.t],
        author_id=author,
        text=said.content.strip(),
        occurred_at=said.timestamp,
        context={"group_openid": said.group_openid} if said.group_openid else {},
    )
