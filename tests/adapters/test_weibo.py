"""Weibo: everything the conformance suite asks, then what only Weibo has."""

import json
import secrets
from datetime import datetime
from typing import Any, ClassVar

from drumtower.adapters.weibo.adapter import WeiboAdapter
from drumtower.adapters.weibo.errors import ERRORS
from drumtower.platforms import Accepted, Credentials, WebhookRequest
from drumtower.sandbox.faults import Fault
from drumtower.sandbox.weibo import WeiboSandbox
from drumtower.sandbox.weibo.messages import sign
from drumtower.sandbox.weibo.wire import stamp
from drumtower.testkit.conformance import AdapterConformance

LINK = "https://shop.gulou.example/new?from=weibo"


class TestWeibo(AdapterConformance):
    adapter = WeiboAdapter
    sandbox = WeiboSandbox
    errors = ERRORS
    publish_path = "statuses/share"
    reply_path = "comments/reply"
    message_path = "messages/reply"
    links = (LINK,)
    tail = f"\n{LINK}"
    deleting_options: ClassVar[dict[str, Any]] = {"level": "advanced"}
    outcomes: ClassVar[dict[str, type]] = {"20032": Accepted}

    def error(self, code: str, said: str = "") -> Fault:
        body = {"request": "/2/statuses/share.json", "error_code": int(code), "error": said}
        return Fault(status=400, body=json.dumps(body))

    def stats_unknown(self, post_id: str) -> Fault:
        row = {"id": int(post_id), "comments": None, "attitudes": "--"}
        return Fault(path="statuses/count", status=200, body=json.dumps([row]))

    def webhook(
        self, credentials: Credentials, at: datetime, *, text: str = "在吗", body: bytes | None = None
    ) -> WebhookRequest:
        push = {"type": "text", "receiver_id": int(credentials.account_id), "sender_id": 2489518277}
        push |= {"created_at": stamp(at), "text": text, "data": {}}
        raw = json.dumps(push, ensure_ascii=False).encode() if body is None else body
        query = signed(credentials["app_secret"], at)
        return WebhookRequest(method="POST", query=query, headers={}, body=raw, received_at=at)

    def challenge(self, credentials: Credentials, at: datetime, echo: str) -> WebhookRequest:
        query = signed(credentials["app_secret"], at) | {"echostr": echo}
        return WebhookRequest(method="GET", query=query, headers={}, body=b"", received_at=at)


def signed(secret: str, at: datetime) -> dict[str, str]:
    timestamp, nonce = str(int(at.timestamp() * 1000)), str(secrets.randbelow(10**8))
    return {"signature": sign(secret, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
