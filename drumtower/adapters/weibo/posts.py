"""The text of a status with its mark, and how a status of ours is found again.

Weibo has no idempotency key, but a normal app's status must hold a link under the app's own security
domain. The delivery's key goes into that link's query (`dt=…`): the text is then unmistakable, repeats of
one delivery are byte for byte the same (so that Weibo's own guard, 20019, catches them too), and the length
does not change, since a link counts ten whatever its own length. Weibo shows links as t.cn, so they are
expanded before they are compared.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit, urlunsplit

from drumtower.adapters.weibo.schemas import LongUrls, Status, StatusList
from drumtower.domain.errors import Violation
from drumtower.domain.failures import ContentRejected, NotPermitted
from drumtower.platforms import Api, PlatformError
from drumtower.platforms.lookups import LINK, alike, recent
from drumtower.platforms.readings import batches

MARK = "dt"
_EXPANDED_AT_ONCE = 20


def marked(text: str, domain: str, key: str) -> str:
    """Mark the first link under `domain` as the delivery's; raise ContentRejected where there is none."""
    for link in LINK.finditer(text):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the timeline shows: ours, or one that only looks like it; `whole`: it reaches back far enough."""

    ours: Status | None = None
    alike: Status | None = None
    whole: bool = False


async def look(api: Api, *, uid: str, key: str, text: str, since: datetime) -> Sighting:
    """Look down the account's timeline, the newest first. A normal app sees its user's newest five only."""
    listed = await api.get("statuses/user_timeline", StatusList, uid=uid, base_app=1, count=100)
    seen = recent(listed.statuses, since, lambda status: status.created_at, listed.total_number)
    long_forms = await _expand(api, [link for status in seen.rows for link in LINK.findall(status.text)])
    for status in seen.rows:
        if any(_marks(long_forms.get(link, link), key) for link in LINK.findall(status.text)):
            return Sighting(ours=status, whole=seen.whole)
    hidden = (status for status in seen.rows if any(_hidden(status, long_forms)))
    return Sighting(alike=next((one for one in hidden if alike(one.text, text)), None), whole=seen.whole)


def _hidden(status: Status, long_forms: dict[str, str]) -> list[bool]:
    return [_host(link) == "t.cn" and link not in long_forms for link in LINK.findall(status.text)]


def _marks(link: str, key: str) -> bool:
    return key in parse_qs(link.partition("?")[2].partition("#")[0]).get(MARK, [])


def _host(link: str) -> str:
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""  # "https://[" is no link


async def _expand(api: Api, links: list[str]) -> dict[str, str]:
    """Long forms by short link; empty where the app may not ask (UNVERIFIED which apps may)."""
    shorts = [link for link in dict.fromkeys(links) if _host(link) == "t.cn"]
    found: dict[str, str] = {}
    for batch in batches(shorts, _EXPANDED_AT_ONCE):
        try:
            rows = (await api.get("short_url/expand", LongUrls, url_short=batch)).urls
        except PlatformError as error:
            if isinstance(error.failure, NotPermitted):
                return {}
            raise
        found |= {row.url_short: row.url_long for row in rows if row.url_long}
    return found
