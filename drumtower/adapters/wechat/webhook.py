"""The server callback: what WeChat pushes, read into events. Pure; the proof that it is WeChat's is in `envelope`."""

from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from drumtower.adapters.wechat.envelope import opened
from drumtower.adapters.wechat.results import result
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    AccountEvent,
    Credentials,
    FeedbackEvent,
    InteractionEvent,
    OutcomeEvent,
    PlatformError,
    Published,
    Received,
    WebhookAnswer,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.moments import epoch
from drumtower.platforms.signatures import check_sorted

# The answer that ends the push; anything else is pushed again, three times in all.
_SUCCESS = WebhookAnswer(body="success")
_LONGEST_NAME, _LONGEST_ECHO = 128, 1024
# One SDK spells the event with FREE in front.
_PUBLISH_JOB = frozenset({"PUBLISHJOBFINISH", "FREEPUBLISHJOBFINISH"})
# What stands beside the text, by message type.
_EXTRAS = {
    "image": ("PicUrl", "MediaId"),
    "voice": ("MediaId", "Format", "MediaId16K"),
    "video": ("MediaId", "ThumbMediaId"),
    "shortvideo": ("MediaId", "ThumbMediaId"),
    "location": ("Location_X", "Location_Y", "Scale", "Label"),
    "link": ("Title", "Description", "Url"),
}
_SPOKEN = ("Content", "Label", "Title", "Description", "Url")


def challenge(request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
    """Answer the address check with the platform's own word, as plain text."""
    check_sorted(request, credentials["token"])
    echo = request.query.get("echostr", "")
    if not 0 < len(echo) <= _LONGEST_ECHO:
        raise WebhookRefused("body_malformed", "echostr is missing or too long")
    return WebhookAnswer(body=echo)


def receive(request: WebhookRequest, credentials: Credentials) -> Received:
    """Read one push. Messages are deduped by MsgId, events by sender, second and what the event is about."""
    xml = opened(request, credentials)
    if _name(xml, "ToUserName") != (credentials.account_id or credentials["account"]):
        raise WebhookRefused("appid_mismatch", "the push is meant for another account")
    said_at = _time(xml)
    kind = _name(xml, "MsgType")
    if kind != "event":
        message = _message(xml, kind, said_at)
        return Received(event_key=f"message:{message.external_id}", events=(message,), answer=_SUCCESS)
    name = _name(xml, "Event")
    subject = next((text for path in _SUBJECTS if (text := xml.findtext(path))), "")
    key = ":".join(
        ["event", _name(xml, "FromUserName"), str(int(said_at.timestamp())), name, subject[:_LONGEST_NAME]]
    )
    return Received(event_key=key, events=_event(xml, name, said_at), answer=_SUCCESS)


# Two events of one sender in one second differ in one of these.
_SUBJECTS = ("PublishEventInfo/publish_id", "MsgID", "EventKey")


def _event(xml: Element, name: str, at: datetime) -> tuple[FeedbackEvent, ...]:
    info = xml.find("PublishEventInfo")
    if name not in _PUBLISH_JOB or info is None:
        return (AccountEvent(name=name),)
    items = [{"article_url": item.findtext("article_url")} for item in info.iterfind("article_detail/item")]
    told: dict[str, Any] = {
        "publish_id": _name(info, "publish_id"),
        "publish_status": info.findtext("publish_status", "").strip(),
        "article_id": info.findtext("article_id"),
        "article_detail": {"item": items},
        "fail_idx": [index.text for index in info.iterfind("fail_idx")],
    }
    try:
        outcome = result(told, at=at)
    except PlatformError as error:
        raise WebhookRefused("body_malformed", "a finished publish without an article_id") from error
    if outcome is None:
        return (AccountEvent(name=name),)
    handle = {"publish_id": told["publish_id"]}
    if isinstance(outcome, Published):
        return (OutcomeEvent(handle=handle, outcome=outcome),)
    return (OutcomeEvent(handle=handle, outcome=None, refusal=outcome),)


def _message(xml: Element, kind: str, at: datetime) -> InteractionEvent:
    extras = {name: text for name in _EXTRAS.get(kind, ()) if (text := xml.findtext(name))}
    article = {name: text for name in ("MsgDataId", "Idx") if (text := xml.findtext(name))}
    spoken = [text for name in _SPOKEN if (text := xml.findtext(name))]
    return InteractionEvent(
        external_id=_name(xml, "MsgId"),
        kind=InteractionKind.MESSAGE,
        author_id=_name(xml, "FromUserName"),
        text="\n".join(spoken) or f"[{kind}]",
        occurred_at=at,
        context={"message_type": kind, **extras, **article},
    )


def _name(xml: Element, tag: str) -> str:
    text = (xml.findtext(tag) or "").strip()
    if 0 < len(text) <= _LONGEST_NAME:
        return text
    raise WebhookRefused("body_malformed", f"{tag} is missing or too long")


def _time(xml: Element) -> datetime:
    if (moment := epoch(_name(xml, "CreateTime"), milliseconds=False)) is None:
        raise WebhookRefused("body_malformed", "CreateTime is no time")
    return moment
