"""How a publish ended, as freepublish/get and the PUBLISHJOBFINISH event both word it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from drumtower.platforms import Published
from drumtower.platforms.answers import objects, required

_ADDRESS = re.compile(r"https?://mp\.weixin\.qq\.com/[!-~]{0,2000}$")
_LONGEST_MID = 20
_PUBLISHING = "1"
# 5: published, and later the owner deleted every article. It did go out.
_PUBLISHED = {"0": None, "5": "the owner deleted it later"}
_REFUSED = {
    "2": "The original declaration failed",
    "3": "The platform failed to publish it and gives no reason",
    "4": "The platform's review refused it",
    "6": "It was published, then the platform banned every article of it",
}


def result(
    body: Mapping[str, Any], *, msg_data_id: object = None, at: datetime | None = None
) -> Published | str | None:
    """Return the published article, why there is none, or None where the platform is still at work."""
    status = str(body.get("publish_status"))
    if status == _PUBLISHING:
        return None
    if status in _REFUSED:
        indexes = body.get("fail_idx")
        failed = ", ".join(str(index) for index in indexes) if isinstance(indexes, list) else ""
        return _REFUSED[status] + (f" (article {failed})" if failed else "")
    if status not in _PUBLISHED:
        # A status of next year is no verdict; it is asked for again.
        return None
    detail = body.get("article_detail")
    items = objects(detail.get("item")) if isinstance(detail, dict) else []
    url = next(iter(items), {}).get("article_url")
    later = _PUBLISHED[status]
    # After a deletion the article's id may be gone; the publish_id still names what went out.
    article_id = required(body, "publish_id" if later and not body.get("article_id") else "article_id")
    context = {"publish_id": str(body.get("publish_id")), **({"taken_down": later} if later else {})}
    return published(article_id, url, msg_data_id=msg_data_id, at=at, context=context)


def published(
    article_id: str,
    url: Any,
    *,
    msg_data_id: object = None,
    at: datetime | None = None,
    context: dict[str, Any] | None = None,
) -> Published:
    """Return the article; its address carries the msg_data_id as `mid`, which comments and statistics need."""
    address = f"https://{url.split('://', 1)[1]}" if isinstance(url, str) and _ADDRESS.match(url) else None
    mid = str(msg_data_id) if msg_data_id else _mid(address)
    known = mid.isascii() and mid.isdigit() and len(mid) <= _LONGEST_MID
    return Published(
        external_id=article_id,
        url=address,
        published_at=at,
        context={**(context or {}), **({"msg_data_id": mid} if known else {})},
    )


def _mid(url: str | None) -> str:
    return next(iter(parse_qs(urlsplit(url).query).get("mid", [])), "") if url else ""
