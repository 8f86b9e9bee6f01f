"""Whether the links of a post lead anywhere: what is looked at, what an answer means, and what is said of it.

The looking is done ahead (`services/scheduler/links.py`); a check reads what was found. Not looked at yet is not dead.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from drumtower.domain.content import Content
from drumtower.domain.text import links_in

WEB_PORTS = frozenset({80, 443, 8080, 8443})
MOST = 100  # links of one post that are looked at
FRESH_AFTER_EDIT = timedelta(hours=1)  # what was found so long ago is not looked for again
FRESH_BEFORE_DUE = timedelta(hours=6)
AHEAD_OF_DUE = timedelta(hours=1)
TRIES = 3
RETRY = timedelta(minutes=5)
_TAIL = ".,;:!?)]}'\""  # what follows a link in a sentence


class LinkState(StrEnum):
    """What was found under a link."""

    ALIVE = "alive"
    DEAD = "dead"  # its server says that there is nothing
    UNREACHABLE = "unreachable"  # nobody answered, or only with an error of theirs
    REFUSED = "refused"  # no address of the public web: nobody looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found, and when."""

    url: str
    state: LinkState
    detail: str
    looked_at: datetime


def urls_of(content: Content) -> list[str]:
    """Return every link of a post and its variants, once."""
    bodies = [content.body, *(variant.body or "" for variant in content.variants)]
    return _urls(content.links, bodies)


def urls_in(payload: Mapping[str, Any]) -> list[str]:
    """Return every link of a delivery."""
    return _urls(payload.get("links") or (), [payload.get("body") or ""])


def _urls(links: Sequence[str], bodies: Sequence[str]) -> list[str]:
    inside = [url for body in bodies for url in urls_said(body)]
    return list(dict.fromkeys([*links, *inside]))[:MOST]


def urls_said(text: str) -> list[str]:
    """Return the links of a text, without the sentence's own marks behind them."""
    return [link.rstrip(_TAIL) for link in links_in(text)]


def is_safe(url: str, ports: Container[int] = WEB_PORTS) -> bool:
    """Say whether an address may be looked at: web, a port of it, nobody's password in it, and nothing that parsers differ on."""
    if any(character <= " " or character in "\\\x7f" for character in url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return False
    named = bool(parts.hostname) and len(parts.hostname or "") <= 253
    return parts.scheme in ("http", "https") and named and "@" not in parts.netloc and port in ports


def state_of(status: int) -> LinkState:
    """Return what an answer means. Who shuts robots out (401, 403, 429 and the like) is there."""
    if status in (404, 410):
        return LinkState.DEAD
    return LinkState.UNREACHABLE if status >= 500 else LinkState.ALIVE


def next_look(state: LinkState, tries: int, now: datetime) -> datetime | None:
    """Return when it is looked at again by itself; `tries` counts looks that reached nobody, this one too."""
    return now + RETRY * tries if state is LinkState.UNREACHABLE and tries < TRIES else None
