"""The app's callback: what members write to it, and what happens to customer groups. Always sealed; pure.

What is said inside customer groups is not told to apps.
"""

import hashlib
from xml.etree.ElementTree import Element

from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    AccountEvent,
    Credentials,
    InteractionEvent,
    Received,
    WebhookAnswer,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.moments import epoch
from drumtower.platforms.sealed import parsed, unsealed
from drumtower.platforms.signatures import check_size, check_sorted

_LONGEST_NAME = 128
# Where a message has no text of its own, what stands beside it, by message type.
_SPOKEN = ("Content", "Label", "Title", "Description", "Url", "PicUrl")


def challenge(request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
    """Answer the address check with the word that was sealed in it."""
    return WebhookAnswer(body=_opened(request, credentials, request.query.get("echostr", "")).decode())


def receive(request: WebhookRequest, credentials: Credentials) -> Received:
    """Read one push; a message is known by its MsgId, an event (which has none) by its content."""
    check_size(request)
    message = _opened(request, credentials, parsed(request.body).findtext("Encrypt") or "")
    xml = parsed(message)
    account = f"{_name(xml, 'ToUserName')}/{credentials.values.get('owner', '')}"
    if account != (credentials.account_id or account):
        raise WebhookRefused("appid_mismatch", "the push is meant for another account")
    if _name(xml, "MsgType") != "event":
        said = _message(xml)
        return Received(event_key=f"message:{said.external_id}", events=(said,), answer=WebhookAnswer())
    name = ".".join(filter(None, (xml.findtext("Event"), xml.findtext("ChangeType"))))
    key = f"event:{hashlib.sha256(message).hexdigest()}"
    return Received(event_key=key, events=(AccountEvent(name=name[:_LONGEST_NAME]),), answer=WebhookAnswer())


def _opened(request: WebhookRequest, credentials: Credentials, sealed: str) -> bytes:
    token, key = credentials.values.get("token"), credentials.values.get("encoding_aes_key")
    if not token or not key or not sealed:
        raise WebhookRefused("encryption_required", "WeCom seals its pushes; the channel needs token and key")
    check_sorted(request, token, sealed, name="msg_signature")
    return unsealed(sealed, key, credentials.values.get("corp_id", ""))


def _message(xml: Element) -> InteractionEvent:
    moment = epoch(_name(xml, "CreateTime"), milliseconds=False)
    if moment is None:
        raise WebhookRefused("body_malformed", "CreateTime is no time")
    kind = _name(xml, "MsgType")
    spoken = [text for name in _SPOKEN if (text := xml.findtext(name))]
    return InteractionEvent(
        external_id=_name(xml, "MsgId"),
        kind=InteractionKind.MESSAGE,
        author_id=_name(xml, "FromUserName"),
        text="\n".join(spoken) or f"[{kind}]",
        occurred_at=moment,
        context={"message_type": kind, "agent_id": xml.findtext("AgentID") or ""},
    )


def _name(xml: Element, tag: str) -> str:
    text = (xml.findtext(tag) or "").strip()
    if 0 < len(text) <= _LONGEST_NAME:
        return text
    raise WebhookRefused("body_malformed", f"{tag} is missing or too long")
