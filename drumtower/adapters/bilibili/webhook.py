"""Bilibili's pushes: how a review ended, and that somebody took the authorisation back. SHA-1 over app secret and raw body.

The address check is a push too. An app has one address for all its accounts. A push is answered within 5 s, and comes three times at most. Source: openhome.bilibili.com,
Webhooks, as quoted by three projects; one of them (AiToEarn) checks the request-style headers instead, which is not done here.
"""

import hashlib
import json
from typing import Annotated, Any

from pydantic import Field

from drumtower.adapters.bilibili.videos import OPEN, RETURNED, address
from drumtower.platforms import (
    AccountEvent,
    Credentials,
    FeedbackEvent,
    OutcomeEvent,
    Published,
    Received,
    WebhookAnswer,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.answers import Answer, Id, read_each
from drumtower.platforms.signatures import check, check_size, json_body, sha1_over

_REVOKED = "The account took its authorisation back in Bilibili."


class Push(Answer):
    """What every push says."""

    event: Id
    content: Annotated[dict[str, Any], Field(max_length=50)]


class Reviewed(Answer):
    """How one of our submissions stands."""

    resource_id: Id
    state: int
    state_desc: str = ""


def receive(request: WebhookRequest, credentials: Credentials) -> Received:
    check_size(request)
    given = request.headers.get("x-bilibili-signature", "")
    check(given, sha1_over(credentials["app_secret"], request.body))
    push = json_body(request, Push)
    if push.event == "verify_webhooks":
        echo = json.dumps({"data": push.content.get("data")})
        answer = WebhookAnswer(body=echo, content_type="application/json")
        return Received(event_key=_key(push), events=(), answer=answer)
    account = push.content.get("openid")
    if not isinstance(account, str) or not account:
        raise WebhookRefused("foreign_account", "the push names no account")
    events = (_event(push),) if account == credentials.account_id else ()
    return Received(event_key=_key(push), events=events, answer=WebhookAnswer(), account_id=account)


def _key(push: Push) -> str:
    """Return what is the same in each try: the event and its content."""
    said = json.dumps([push.event, push.content], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _event(push: Push) -> FeedbackEvent:
    for row in read_each(Reviewed, [push.content]):
        handle = {"resource_id": row.resource_id}
        if push.event == "video_open" and row.state == OPEN:
            out = Published(external_id=row.resource_id, url=address(row.resource_id))
            return OutcomeEvent(handle=handle, outcome=out)
        if push.event == "video_fail" and row.state == RETURNED:
            refusal = f"Bilibili's review returned it: {row.state_desc}"
            return OutcomeEvent(handle=handle, outcome=None, refusal=refusal)
    return AccountEvent(name=push.event[:40], revoked=_REVOKED if push.event == "deauthorize" else "")
