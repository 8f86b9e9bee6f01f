"""The webhook of a page: LinkedIn checks the address every two hours, and pushes up to ten notifications at once.

Both proofs are made with the client secret: the answer to a check over its code, an event's signature over
`hmacsha256=` and the raw body. A check is not signed, so anybody may ask for one; were any code answered, an answer
could pass for the signature of an event. Only what LinkedIn sends, a random UUID, is answered.

Nothing dates a push, and it is repeated for 8 hours: a replay is known by the ids of its notifications. A page is
subscribed by one call for each admin (`PUT eventSubscriptions/…`), which is a person's task; without it, the pull hears
the same. Source: learn.microsoft.com, "Webhooks" and "Organization Social Action Notifications".
"""

import hashlib
import json
import re
from typing import Annotated, Literal

from pydantic import Field

from drumtower.adapters.linkedin import feedback
from drumtower.adapters.linkedin.schemas import Notification
from drumtower.platforms import Credentials, Received, WebhookAnswer, WebhookRefused, WebhookRequest
from drumtower.platforms.answers import Answer
from drumtower.platforms.signatures import check, check_size, hmac_sha256, json_body

# Ten texts of 1,250 characters and the posts above them, in JSON escapes.
LARGEST = 256 * 1024
_PREFIX = "hmacsha256="
_CODE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


class Push(Answer):
    """One push."""

    type: Literal["ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"]
    notifications: Annotated[list[Notification], Field(min_length=1, max_length=100)]


def challenge(request: WebhookRequest, secret: str) -> WebhookAnswer:
    code = request.query.get("challengeCode", "")
    if not _CODE.fullmatch(code):
        raise WebhookRefused("challenge_malformed", "the challenge code is no UUID")
    body = {"challengeCode": code, "challengeResponse": hmac_sha256(secret, code.encode())}
    return WebhookAnswer(body=json.dumps(body), content_type="application/json")


def receive(request: WebhookRequest, credentials: Credentials) -> Received:
    check_size(request, LARGEST)
    given = request.headers.get("x-li-signature", "").removeprefix(_PREFIX)
    check(given, hmac_sha256(credentials["client_secret"], _PREFIX.encode() + request.body))
    push = json_body(request, Push, LARGEST)
    ours = [one for one in push.notifications if one.organization == credentials.account_id]
    if not ours:
        raise WebhookRefused("foreign_account", "the push is for another page")
    return Received(
        event_key=_key(ours), events=feedback.events(ours, credentials.account_id), answer=WebhookAnswer()
    )


def _key(notifications: list[Notification]) -> str:
    ids = sorted(one.id for one in notifications)
    if len(ids) == 1:
        return ids[0]
    return f"{ids[0]}+{len(ids) - 1}:{hashlib.sha256(','.join(ids).encode()).hexdigest()[:32]}"
