"""Checks a message against the adapter's own limits, so that nothing is uploaded in vain."""

from datetime import UTC, datetime

from drumtower.domain import platform_checks
from drumtower.domain.capabilities import Capabilities
from drumtower.domain.content import ChannelContent, Nature
from drumtower.domain.errors import Violation
from drumtower.domain.facts import Facts, MediaFacts
from drumtower.domain.failures import ContentRejected
from drumtower.platforms.errors import PlatformError
from drumtower.platforms.outcomes import Media, Message


def check_message(message: Message, capabilities: Capabilities, platform: str) -> None:
    """Raise ContentRejected with all that the platform would refuse, by its declared rules."""
    broken = violations_of(message, capabilities, platform)
    if broken:
        raise PlatformError(ContentRejected(detail=broken[0].detail, violations=broken))


def violations_of(message: Message, capabilities: Capabilities, platform: str) -> tuple[Violation, ...]:
    """Return what breaks a rule of texts, media or hashtags; the rest is the business of preflight."""
    facts = Facts(
        content=_content(message),
        text=message.text,
        platform=platform,
        capabilities=capabilities,
        connected=True,
        media=tuple(_facts(one) for one in message.media),
        option_violations=(),
        at=datetime.now(UTC),
    )
    rules = (platform_checks.texts, platform_checks.media, platform_checks.hashtags)
    return tuple(found for rule in rules for found in rule(facts))


def _facts(media: Media) -> MediaFacts:
    return MediaFacts(
        content_type=media.content_type,
        size=media.size,
        alt_text=media.alt_text,
        expires_at=None,
        width=media.width,
        height=media.height,
        duration=media.duration,
        codecs=media.codecs,
    )


def _content(message: Message) -> ChannelContent:
    return ChannelContent(
        title=message.title,
        body=message.body,
        kind=message.kind,
        nature=Nature.EDITORIAL,
        language=message.language,
        links=message.links,
        hashtags=message.hashtags,
        asset_ids=tuple(one.asset_id for one in message.media),
        disclosures=message.disclosures,
        options={},
    )
