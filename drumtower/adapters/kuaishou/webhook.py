"""Kuaishou's pushes: who authorised and who took it back. MD5 over the raw body and the app's secret.

A push is answered with its own `message_id`; whatever else is taken for a failure and sent again, three times at five
seconds. The check of the address is a push too. Source: open.kuaishou.com, webHook (access guide, AUTHORIZE,
UN_AUTHORIZE). UNVERIFIED: the check's body; it is taken for a push without an account.
"""

import json
from typing import Annotated, Any

from pydantic import Field

from drumtower.platforms import (
    AccountEvent,
    Credentials,
    Received,
    WebhookAnswer,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.answers import Answer, Id
from drumtower.platforms.signatures import check, check_size, json_body, md5_over

_LONGEST_KEY = 128
_REVOKED = "The account took its authorisation back in Kuaishou."


class Push(Answer):
    """What every push says."""

    event: Id
    message_id: Id
    app_id: str
    data: Annotated[dict[str, Any], Field(default_factory=dict)]


def receive(request: WebhookRequest, credentials: Credentials) -> Received:
    check_size(request)
    check(request.headers.get("kwaisign", ""), md5_over(request.body, credentials["app_secret"]))
    push = json_body(request, Push)
    if push.app_id != credentials["app_id"]:
        raise WebhookRefused("foreign_app", "the push is for another app")
    account = str(push.data.get("open_id") or "")
    body = json.dumps({"result": 1, "message_id": push.message_id})
    answer = WebhookAnswer(body=body, content_type="application/json")
    events = (_event(push),) if account in ("", credentials.account_id) else ()
    key = push.message_id[:_LONGEST_KEY]
    return Received(event_key=key, events=events, answer=answer, account_id=account)


def _event(push: Push) -> AccountEvent:
    scopes = push.data.get("scope")
    gone = push.event == "UN_AUTHORIZE" and isinstance(scopes, list) and "user_info" in scopes
    return AccountEvent(name=push.event[:40].lower(), revoked=_REVOKED if gone else "")
