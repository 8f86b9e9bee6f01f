"""Whether an answer may leave: a reply is a post with a body only, held to the platform's rule for replies."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from drumtower.domain import brand_checks, compliance_checks, platform_checks
from drumtower.domain.capabilities import Capabilities, TextRule
from drumtower.domain.content import ChannelContent, Kind, Nature
from drumtower.domain.errors import Severity, Violation
from drumtower.domain.facts import Facts
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.rule_packs import Screen
from drumtower.domain.text import Unit

# For platforms that name no limit of their own.
LONGEST = TextRule(maximum=10_000, unit=Unit.CHARACTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer and all that is known around it. `said_at` is when its reader last spoke to us."""

    text: str
    kind: InteractionKind  # of what it answers
    said_at: datetime
    platform: str  # its name, as people read it
    capabilities: Capabilities
    supported: bool  # the platform takes answers of this kind from us
    connected: bool
    banned_words: tuple[str, ...]
    screen: Screen


def deadline(kind: InteractionKind, capabilities: Capabilities, said_at: datetime) -> datetime | None:
    """Return until when the platform lets us answer; None: for ever.

    The windows of most platforms bind private messages and start anew with each one (WeChat, Weibo: 48 h); QQ's binds
    what names its bot in a group too (5 min).
    """
    windows = {
        InteractionKind.MESSAGE: capabilities.reply_window,
        InteractionKind.MENTION: capabilities.mention_window,
    }
    window = windows.get(kind)
    return None if window is None else said_at + window


def check(reply: Reply, now: datetime) -> list[Violation]:
    """Return everything that forbids the answer, at once."""
    return [*_channel(reply, now), *_text(reply, now)]


def _channel(reply: Reply, now: datetime) -> Iterator[Violation]:
    if not reply.supported:
        yield Violation(
            pointer="",
            code="reply_not_supported",
            detail=f"{reply.platform} takes no answer to a {reply.kind} from us.",
            hint="Answer in the platform's own app.",
        )
    yield from platform_checks.connected(_facts(reply, now))
    until = deadline(reply.kind, reply.capabilities, reply.said_at)
    if until is not None and now >= until:
        yield Violation(
            pointer="",
            code="reply_window_closed",
            detail=f"{reply.platform} took answers until {until.isoformat()}.",
            hint="It opens again when the person writes again.",
        )


def _text(reply: Reply, now: datetime) -> Iterator[Violation]:
    facts = _facts(reply, now)
    for found in (
        *platform_checks.texts(facts),
        *brand_checks.banned_words((("/body", reply.text),), reply.banned_words),
    ):
        yield replace(found, pointer="/text", code=found.code.replace("body_", "text_"))
    for found in compliance_checks.screened("/text", reply.text, reply.screen):
        if found.severity is Severity.BLOCK:  # an answer goes out at once: there is nobody to advise
            yield found


def _facts(reply: Reply, now: datetime) -> Facts:
    rule = replace(reply.capabilities.reply or LONGEST, required=True)
    return Facts(
        content=_content(reply.text),
        text=reply.text,
        platform=reply.platform,
        capabilities=replace(reply.capabilities, title=None, body=rule),
        connected=reply.connected,
        media=(),
        option_violations=(),
        at=now,
    )


def _content(text: str) -> ChannelContent:
    return ChannelContent(
        title="",
        body=text,
        kind=Kind.IMAGE_TEXT,
        nature=Nature.EDITORIAL,
        language="",
        links=(),
        hashtags=(),
        asset_ids=(),
        disclosures=(),
        options={},
    )
