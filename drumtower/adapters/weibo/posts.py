"""The text of a status with its mark, and how a status of ours is found again.

Weibo has no idempotency key, but a normal app's status must hold a link under the app's own security
domain. The delivery's key goes into that link's query (`dt=…`): the text is then unmistakable, repeats of
one delivery are byte for byte the same (so that Weibo's own guard, 20019, catches them too), and the length
does not change, since a link counts ten whatever its own length. Weibo shows links as t.cn, so they are
expanded before they are compared.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from urllib.parse import parse_qs, urlsplit, urlunsplit

from drumtower.adapters.weibo.client import WeiboCalls
from drumtower.adapters.weibo.schemas import LongUrls, Status, StatusList, read
from drumtower.domain.capabilities import MediaRule
from drumtower.domain.errors import Violation
from drumtower.domain.failures import ContentRejected, NotPermitted
from drumtower.platforms import Media, PlatformError

MARK = "dt"
# The two clocks may differ, and Weibo's dates have whole seconds.
SLACK = timedelta(minutes=2)
# Weibo ends a link at the first character outside ASCII; punctuation at its end belongs to the sentence.
_URL = re.compile(r"https?://[!-~]*[A-Za-z0-9/_=&%#~+$@*-]")
_ALIKE = 0.8
_EXPANDED_AT_ONCE = 20


def marked(text: str, domain: str, key: str) -> str:
    """Mark the first link under `domain` as the delivery's; raise ContentRejected where there is none."""
    for link in _URL.finditer(text):
        host = _host(link.group())
        if host == domain or host.endswith(f".{domain}"):
            return text[: link.start()] + _with_mark(link.group(), key) + text[link.end() :]
    detail = f"The text needs a link under {domain}, the app's security domain."
    violation = Violation(
        pointer="/links", code="link_domain_required", detail=detail, hint=f"https://{domain}/…"
    )
    raise PlatformError(ContentRejected(detail=detail, platform_code="10017", violations=(violation,)))


def _with_mark(link: str, key: str) -> str:
    parts = urlsplit(link)
    query = f"{parts.query}&{MARK}={key}" if parts.query else f"{MARK}={key}"
    return urlunsplit(parts._replace(query=query, path=parts.path or "/"))


async def picture(media: Sequence[Media], rule: MediaRule) -> dict[str, tuple[str, bytes, str]] | None:
    """The multipart field of the one picture that a status may carry."""
    if not media:
        return None
    if len(media) > rule.maximum_count or media[0].content_type not in rule.types:
        detail = f"Weibo takes {rule.maximum_count} picture of these types: {', '.join(rule.types)}."
        raise PlatformError(ContentRejected(detail=detail))
    return {"pic": ("picture", await media[0].read(), media[0].content_type)}


def bare(text: str) -> str:
    """The text without links, topics' signs and white space, which Weibo rewrites."""
    return "".join(_URL.sub("", text).replace("#", "").split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the timeline shows: ours, or one that only looks like it; `whole`: it reaches back far enough."""

    ours: Status | None = None
    alike: Status | None = None
    whole: bool = False


async def look(calls: WeiboCalls, *, uid: str, key: str, text: str, since: datetime) -> Sighting:
    """Look for the status with this mark among the newest. A normal app sees its user's newest five only."""
    listed = read(StatusList, await calls.get("statuses/user_timeline", uid=uid, base_app=1, count=100))
    recent = [status for status in listed.statuses if status.created_at >= since - SLACK]
    total = listed.total_number
    whole = len(recent) < len(listed.statuses) or (total is not None and len(listed.statuses) >= total)
    long_forms = await _expand(calls, [link for status in recent for link in _links(status)])
    for status in recent:
        if any(_marks(long_forms.get(link, link), key) for link in _links(status)):
            return Sighting(ours=status, whole=whole)
    hidden = (
        status for status in recent if any(_short(link) and link not in long_forms for link in _links(status))
    )
    return Sighting(alike=next((status for status in hidden if _alike(status.text, text)), None), whole=whole)


def _alike(one: str, other: str) -> bool:
    # Weibo may rewrite a text (topics are said to be filtered), so equality would miss our own.
    return SequenceMatcher(None, bare(one), bare(other), autojunk=False).ratio() >= _ALIKE


def _marks(link: str, key: str) -> bool:
    return key in parse_qs(link.partition("?")[2].partition("#")[0]).get(MARK, [])


def _host(link: str) -> str:
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""  # "https://[" is no link


def _links(status: Status) -> list[str]:
    return _URL.findall(status.text)


def _short(link: str) -> bool:
    return _host(link) == "t.cn"


async def _expand(calls: WeiboCalls, links: list[str]) -> dict[str, str]:
    """Long forms by short link; empty where the app may not ask (UNVERIFIED which apps may)."""
    shorts = [link for link in dict.fromkeys(links) if _short(link)]
    found: dict[str, str] = {}
    for start in range(0, len(shorts), _EXPANDED_AT_ONCE):
        try:
            body = await calls.get("short_url/expand", url_short=shorts[start : start + _EXPANDED_AT_ONCE])
        except PlatformError as error:
            if isinstance(error.failure, NotPermitted):
                return {}
            raise
        found |= {row.url_short: row.url_long for row in read(LongUrls, body).urls if row.url_long}
    return found
