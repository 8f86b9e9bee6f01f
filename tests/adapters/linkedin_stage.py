"""What both LinkedIn test classes tell the conformance suite."""

import hashlib
import json
from datetime import datetime
from typing import Any, ClassVar

from drumtower.adapters.linkedin.adapter import LinkedInAdapter
from drumtower.adapters.linkedin.errors import ERRORS
from drumtower.domain.content import Kind
from drumtower.platforms import Credentials, Media, Message, WebhookRequest
from drumtower.sandbox.faults import Fault
from drumtower.sandbox.linkedin import LinkedInSandbox
from drumtower.sandbox.linkedin.pushes import answer_to, pushed, sign
from drumtower.testkit.conformance import Hooks
from drumtower.testkit.conformance_stage import Stage

STATUSES = {
    "EXPIRED_ACCESS_TOKEN": 401,
    "REVOKED_ACCESS_TOKEN": 401,
    "INVALID_ACCESS_TOKEN": 401,
    "EMPTY_ACCESS_TOKEN": 401,
    "ACCESS_DENIED": 403,
    "NONEXISTENT_VERSION": 426,
    "RESOURCE_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "DUPLICATE_POST": 422,
    "CONFLICT": 409,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
    "GATEWAY_TIMEOUT": 504,
}
ACTIVITY = "urn:li:activity:7094637247890620418"


def refusal(code: str, said: str = "") -> Fault:
    """A code in the form in which LinkedIn answers it."""
    if code.endswith("_DAY_LIMIT"):
        throttle = code.removesuffix("_DAY_LIMIT")
        words = f"Resource level throttle {throttle} DAY limit for calls to this resource is reached. {said}"
        body = {"status": 429, "serviceErrorCode": 101, "code": "TOO_MANY_REQUESTS", "message": words}
        return Fault(status=429, body=json.dumps(body))
    if code in ("401", "403", "404", "422", "426"):
        return Fault(status=int(code), body=json.dumps({"status": int(code), "message": said}))
    status = STATUSES.get(code, 400)
    body = {"status": status, "message": said}
    if code == "DUPLICATE_POST":
        inputs = [{"description": "Duplicate post is detected", "input": {}, "code": code}]
        body |= {"errorDetails": {"inputErrors": inputs}}
    else:
        body |= {"code": code, "serviceErrorCode": 100}
    return Fault(status=status, body=json.dumps(body))


def notification(account: str, text: str, at: datetime, **changed: Any) -> dict[str, Any]:
    """A comment as LinkedIn tells it; the form is that of a push that was received."""
    number = int(hashlib.sha256(f"{text}{at}".encode()).hexdigest()[:12], 16)
    comment = f"urn:li:comment:({ACTIVITY},{number})"
    said = {"owner": "urn:li:person:zLqTygBP8S", "text": text, "entity": comment, "object": ACTIVITY}
    return {
        "subscriber": "urn:li:person:zLqTygBP8S",
        "lastModifiedAt": int(at.timestamp() * 1000),
        "decoratedSourcePost": {
            "owner": account,
            "mediaCategory": "NONE",
            "text": "This is my post",
            "entity": "urn:li:share:7094637247487995904",
        },
        "sourcePost": ACTIVITY,
        "decoratedGeneratedActivity": {"comment": said},
        "action": "COMMENT",
        "notificationId": number,
        "organizationalEntity": account,
        "generatedActivity": f"urn:li:comment:({ACTIVITY.removeprefix('urn:li:')},{number})",
    } | changed


def push(credentials: Credentials, body: bytes, at: datetime) -> WebhookRequest:
    headers = {"x-li-signature": sign(credentials["client_secret"], body)}
    return WebhookRequest(method="POST", query={}, headers=headers, body=body, received_at=at)


class LinkedInHooks(Hooks):
    adapter = LinkedInAdapter
    sandbox = LinkedInSandbox
    errors = ERRORS
    publish_path = "/rest/posts"
    reply_path = "/comments"
    signature_parameter = "x-li-signature"
    signed_parameters = ()
    body_is_signed = True
    signs_time = False
    challenge_is_signed = False
    echoes = ("890e4665-4dfe-4ab1-b689-ed553bceeed0", "00000000-0000-4000-8000-000000000000")
    malformed: ClassVar[tuple[bytes, ...]] = (
        b'{"type": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"}',
        b'{"type": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS", "notifications": []}',
        b'{"type": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS", "notifications": [{}]}',
        b'{"type": "LEAD_NOTIFICATIONS", "notifications": [{"notificationId": 1}]}',
    )

    def error(self, code: str, said: str = "") -> Fault:
        return refusal(code, said)

    def stats_unknown(self, post_id: str) -> Fault:
        row = {"share": post_id, "totalShareStatistics": {"impressionCount": None, "likeCount": "--"}}
        return Fault(path="ShareStatistics", status=200, body=json.dumps({"elements": [row]}))

    def webhook(
        self, credentials: Credentials, at: datetime, *, text: str = "在吗", body: bytes | None = None
    ) -> WebhookRequest:
        told = pushed(notification(credentials.account_id, text, at)) if body is None else body
        return push(credentials, told, at)

    def challenge(self, credentials: Credentials, at: datetime, echo: str) -> WebhookRequest:
        return WebhookRequest(
            method="GET", query={"challengeCode": echo}, headers={}, body=b"", received_at=at
        )

    def echoed(self, credentials: Credentials, echo: str) -> tuple[str, str]:
        answered = {"challengeCode": echo, "challengeResponse": answer_to(credentials["client_secret"], echo)}
        return json.dumps(answered), "application/json"


class Pictured(LinkedInHooks):
    """The same with a picture on every post: its URN tells ours apart."""

    def message(self, text: str, *, title: str = "鼓楼", media: tuple[Media, ...] | None = None) -> Message:
        pictures = (self.file("image/png", 2048),) if media is None else media
        return super().message(text, title=title, media=pictures)


def message(text: str, **changed: Any) -> Message:
    """Plain text unless `changed` says otherwise."""
    return Message(**({"title": "鼓楼", "text": text, "body": text, "kind": Kind.IMAGE_TEXT} | changed))


def linkedin(stage: Stage) -> LinkedInAdapter:
    assert isinstance(stage.adapter, LinkedInAdapter)
    return stage.adapter


async def settings(stage: Stage, **changed: Any) -> None:
    assert (await stage.http.post(f"{stage.base_url}/control/settings", json=changed)).status_code == 200
