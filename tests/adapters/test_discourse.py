"""Discourse: everything the conformance suite asks; what only it has stands in test_discourse_forum.py."""

import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from drumtower.adapters.discourse.adapter import DiscourseAdapter
from drumtower.adapters.discourse.errors import ERRORS, REFUSED
from drumtower.platforms import Credentials, WebhookRequest
from drumtower.sandbox.discourse import DiscourseSandbox
from drumtower.sandbox.discourse.webhooks import headers
from drumtower.sandbox.discourse.wire import STATUSES, stamp
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance import AdapterConformance

# The suite's texts are shorter than what a forum takes by default, and its titles are all the same.
LENIENT: dict[str, Any] = {
    "min_post_length": 1,
    "min_topic_title_length": 1,
    "allow_duplicate_topic_titles": True,
}


def post(credentials: Credentials, at: datetime, text: str) -> dict[str, Any]:
    """A stranger's answer to a post of ours, as a forum pushes it."""
    number = zlib.crc32(text.encode()) + 10_000
    head = {"id": number, "topic_id": 1201, "topic_slug": "topic", "post_number": 3, "post_type": 1}
    author = {"user_id": 9001, "username": "user9001", "name": "胡同老王"}
    to = {"reply_to_post_number": 2, "reply_to_user": {"username": credentials["username"]}}
    return head | author | to | {"created_at": stamp(at), "raw": text, "cooked": f"<p>{text}</p>"}


class TestDiscourse(AdapterConformance):
    adapter = DiscourseAdapter
    sandbox = DiscourseSandbox
    own_server = True
    errors = ERRORS
    publish_path = "/posts.json"
    reply_path = "/posts.json"
    account_options: ClassVar[Mapping[str, Any]] = {"settings": LENIENT}
    signature_parameter = "x-discourse-event-signature"
    signed_parameters = ()
    body_is_signed = True
    names_account = False
    signs_time = False
    has_challenge = False

    def error(self, code: str, said: str = "") -> Fault:
        body: dict[str, Any] = {"errors": [said], "error_type": code}
        if code == REFUSED:
            body = {"action": "create_post", "errors": [said]}
        return Fault(status=STATUSES.get(code, 422), body=json.dumps(body))

    def stats_unknown(self, post_id: str) -> Fault:
        body: dict[str, Any] = {
            "id": int(post_id),
            "views": None,
            "posts_count": "--",
            "post_stream": {"posts": []},
        }
        return Fault(path=f"/t/{post_id}.json", status=200, body=json.dumps(body))

    def webhook(
        self, credentials: Credentials, at: datetime, *, text: str = "在吗", body: bytes | None = None
    ) -> WebhookRequest:
        raw = json.dumps({"post": post(credentials, at, text)}).encode() if body is None else body
        given = headers(credentials["webhook_secret"], "post_created", "7", raw)
        lower = {name.lower(): value for name, value in given.items()}
        return WebhookRequest(method="POST", query={}, headers=lower, body=raw, received_at=at)
