"""What proves that a webhook is the platform's: digests, and checks that raise WebhookRefused.

A scheme is a few of these in a row: size, digest over the raw bytes, age of the time stamp, then the body.
"""

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from drumtower.platforms.base import WebhookRefused
from drumtower.platforms.moments import epoch
from drumtower.platforms.outcomes import WebhookRequest

BODY_LIMIT = 64 * 1024  # bytes
TOLERANCE = timedelta(seconds=300)
T = TypeVar("T")


def sorted_sha1(*parts: str) -> str:
    """Hex SHA-1 over the sorted parts, joined: WeChat, WeCom and Weibo."""
    joined = "".join(sorted(parts)).encode("utf-8", "surrogatepass")
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def sha1_over(secret: str, body: bytes) -> str:
    """Hex SHA-1 over the secret and the raw body: Douyin and Bilibili."""
    return hashlib.sha1(secret.encode() + body, usedforsecurity=False).hexdigest()


def md5_over(body: bytes, secret: str) -> str:
    """Hex MD5 over the raw body and the secret: Kuaishou."""
    return hashlib.md5(body + secret.encode(), usedforsecurity=False).hexdigest()


def hmac_sha256(secret: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of the raw body: LinkedIn, WordPress, Discourse (with their own prefixes)."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def check(given: str, expected: str, name: str = "signature") -> None:
    """Compare in constant time; raise WebhookRefused where they differ."""
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode()):
        raise WebhookRefused("signature_invalid", f"{name} does not match")


def check_age(
    stamp: str, received_at: datetime, tolerance: timedelta = TOLERANCE, *, milliseconds: bool = False
) -> None:
    """Refuse a time stamp (epoch seconds) that is further away than `tolerance`, or is none."""
    moment = epoch(stamp, milliseconds=milliseconds)
    if moment is None or abs(received_at - moment) > tolerance:
        seconds = int(tolerance.total_seconds())
        raise WebhookRefused("timestamp_stale", f"the time stamp is more than {seconds} s away")


def check_sorted(
    request: WebhookRequest,
    token: str,
    *covered: str,
    name: str = "signature",
    milliseconds: bool = False,
) -> None:
    """Refuse a request unless its query's signature over token, time stamp, nonce and `covered` is right and fresh."""
    stamp, nonce = request.query.get("timestamp", ""), request.query.get("nonce", "")
    check(request.query.get(name, ""), sorted_sha1(token, stamp, nonce, *covered), name)
    check_age(stamp, request.received_at, milliseconds=milliseconds)


def check_size(request: WebhookRequest, limit: int = BODY_LIMIT) -> None:
    if len(request.body) > limit:
        raise WebhookRefused("body_too_large", f"more than {limit} bytes")


def json_body(request: WebhookRequest, shape: type[T], limit: int = BODY_LIMIT) -> T:
    """Read the JSON body of a verified request as `shape`; `limit` in bytes."""
    check_size(request, limit)
    try:
        body: Any = json.loads(request.body)
        return TypeAdapter(shape).validate_python(body)
    except (ValidationError, ValueError, RecursionError):
        raise WebhookRefused("body_malformed", "the body is no push of this platform") from None
