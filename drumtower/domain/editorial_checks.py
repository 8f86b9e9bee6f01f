"""Checks of what is said and shown, by point of review."""

from collections.abc import Iterator
from datetime import timedelta

import regex

from drumtower.domain.errors import Severity, Violation
from drumtower.domain.facts import Facts
from drumtower.domain.text import is_blank

# A post stays where it is; whoever plans it should know that a file in it may not for long.
LICENCE_AHEAD = timedelta(days=14)
# What authors leave behind when they mean to come back.
# No \b: a Chinese character next to a Latin one is no word boundary.
_PLACEHOLDER = regex.compile(
    r"\{\{[^{}]{0,80}\}\}|(?<![A-Za-z])(?:TODO|TBD|FIXME)(?![A-Za-z])|(?i:lorem ipsum)|待补充|待填写|此处填"
)


def placeholders(facts: Facts) -> Iterator[Violation]:
    for field, text in (("title", facts.content.title), ("body", facts.content.body)):
        if match := _PLACEHOLDER.search(text):
            yield Violation(
                pointer=f"/{field}",
                code="placeholder_left",
                detail=f"{match.group()!r} looks like something still to be written.",
                hint="Write it, or leave it if it is meant.",
                severity=Severity.WARN,
            )


def licences(facts: Facts) -> Iterator[Violation]:
    for index, media in enumerate(facts.media):
        if media is not None and media.expires_at is not None and media.expires_at <= facts.at:
            yield Violation(
                pointer=f"/asset_ids/{index}",
                code="licence_expired",
                detail=f"The file's licence ends at {media.expires_at.isoformat()}, before the post leaves.",
                hint="Renew the licence, or use another file.",
            )
        elif (
            media is not None and media.expires_at is not None and media.expires_at < facts.at + LICENCE_AHEAD
        ):
            yield Violation(
                pointer=f"/asset_ids/{index}",
                code="licence_ends_soon",
                detail=f"The file's licence ends at {media.expires_at.isoformat()}, soon after the post leaves.",
                hint="Renew the licence, or take the post back in time.",
                severity=Severity.WARN,
            )


def alt_texts(facts: Facts) -> Iterator[Violation]:
    for index, media in enumerate(facts.media):
        if media is not None and media.content_type.startswith("image/") and is_blank(media.alt_text):
            yield Violation(
                pointer=f"/asset_ids/{index}",
                code="alt_text_missing",
                detail="The image has no alternative text for those who can't see it.",
                hint="Describe the image in one sentence.",
                severity=Severity.WARN,
            )


def repeated_media(facts: Facts) -> Iterator[Violation]:
    ids = facts.content.asset_ids
    for index, asset_id in enumerate(ids):
        if asset_id in ids[:index]:
            yield Violation(
                pointer=f"/asset_ids/{index}",
                code="media_repeated",
                detail="The same file stands twice in the post.",
                hint="Remove one.",
                severity=Severity.WARN,
            )
