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
    account = push.data.get("open_id")
    if push.app_id != credentials["app_id"] or account not in (None, credentials.account_id):
        raise WebhookRefused("foreign_account", "the push is for another account")
    body = json.dumps({"result": 1, "message_id": push.message_id})
    answer = WebhookAnswer(body=body, content_type="application/json")
    return Received(event_key=push.message_id[:_LONGEST_KEY], events=(_event(push),), answer=answer)


def _event(push: Push) -> AccountEvent:
    return AccountEvent(name=push.event[:40].lower())
