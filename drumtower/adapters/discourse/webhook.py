"""What a forum pushes. The signature covers the raw body and nothing else, not even which event it is.

So the body decides, a header only where it can do no harm. Pushes are not dated, and a retry (after 1, 5, 25 and 125
minutes, where the forum retries at all) comes under a new event id: a post's own id is what tells it from another. A
forum pushes all of its posts; what is not said to us (an answer to our post, or our @name) is left to the poll, which
knows our topics. Source: `emit_web_hook_event.rb`, `web_hook_post_serializer.rb`.
"""

import hashlib
import re

from drumtower.adapters.discourse.feedback import event
from drumtower.adapters.discourse.schemas import Post, number_of
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    AccountEvent,
    Credentials,
    FeedbackEvent,
    Received,
    WebhookAnswer,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.answers import Answer
from drumtower.platforms.signatures import check, check_size, hmac_sha256, json_body

LARGEST = 256 * 1024  # a post of 32,000 characters comes twice: as written, and as HTML
SIGNATURE = "x-discourse-event-signature"
_NAME = "x-discourse-event"
_LONGEST_NAME = 40


class Person(Answer):
    username: str


class PushedPost(Post):
    """A post with its topic's kind and whom it answers."""

    topic_archetype: str = "regular"
    reply_to_user: Person | None = None


class Push(Answer):
    post: PushedPost | None = None
    ping: str | None = None


def verify(request: WebhookRequest, credentials: Credentials) -> None:
    """Refuse what this channel's forum did not sign."""
    check_size(request, LARGEST)
    secret = credentials.values.get("webhook_secret", "")
    if not secret:
        raise WebhookRefused("signature_invalid", "the channel has no webhook secret")
    check(request.headers.get(SIGNATURE, ""), f"sha256={hmac_sha256(secret, request.body)}", SIGNATURE)


def read(request: WebhookRequest, credentials: Credentials) -> Received:
    """Read a verified push."""
    push = json_body(request, Push, LARGEST)
    name = request.headers.get(_NAME, "")[:_LONGEST_NAME] or "event"
    if push.post is not None and name == "post_created":
        return _received(f"post_created:{push.post.id}", _heard(push.post, credentials))
    if push.post is None and push.ping is None and name.startswith(("post", "ping", "event")):
        raise WebhookRefused("body_malformed", "the body is no push of this platform")
    digest = hashlib.sha256(request.body).hexdigest()[:16]
    return _received(f"{name}:{digest}", AccountEvent(name=name))


def _received(key: str, event: FeedbackEvent) -> Received:
    return Received(event_key=key, events=(event,), answer=WebhookAnswer())


def _heard(post: PushedPost, credentials: Credentials) -> FeedbackEvent:
    own = credentials["username"].lower()
    if post.user_id == number_of(credentials.account_id) or post.topic_archetype != "regular" or post.hidden:
        return AccountEvent(name="post_created")
    if post.reply_to_user is not None and post.reply_to_user.username.lower() == own:
        return event(post, None)
    if re.search(rf"(?<![\w@])@{re.escape(own)}(?![\w-])", (post.raw or "").lower()):
        return event(post, None, kind=InteractionKind.MENTION)
    return AccountEvent(name="post_created")
