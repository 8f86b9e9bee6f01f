"""Checks of what is said and shown, by point of review."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import regex

from drumtower.domain.content import Texts
from drumtower.domain.errors import Severity, Violation
from drumtower.domain.facts import Files
from drumtower.domain.text import is_blank

# A post stays where it is; whoever plans it should know that a file in it may not for long.
LICENCE_AHEAD = timedelta(days=14)
# What authors leave behind when they mean to come back.
# No \b: a Chinese character next to a Latin one is no word boundary.
_PLACEHOLDER = regex.compile(
    r"\{\{[^{}]{0,80}\}\}|(?<![A-Za-z])(?:TODO|TBD|FIXME)(?![A-Za-z])|(?i:lorem ipsum)|待补充|待填写|此处填"
)


def placeholders(texts: Texts) -> Iterator[Violation]:
    """Say where something is still to be written: `{{…}}`, TODO, lorem ipsum, 待补充 and the like."""
    for pointer, text in texts:
        if match := _PLACEHOLDER.search(text):
            yield Violation(
                pointer=pointer,
                code="placeholder_left",
                detail=f"{match.group()!r} looks like something still to be written.",
                hint="Write it, or leave it if it is meant.",
                severity=Severity.WARN,
            )


def licences(media: Files, at: datetime) -> Iterator[Violation]:
    """Say which files' licences end before the post leaves, or soon after."""
    for index, file in enumerate(media):
        if file is None or file.expires_at is None:
            continue
        if file.expires_at <= at:
            yield Violation(
                pointer=f"/asset_ids/{index}",
                code="licence_expired",
                detail=f"The file's licence ends at {file.expires_at.isoformat()}, before the post leaves.",
                hint="Renew the licence, or use another file.",
            )
        elif file.expires_at < at + LICENCE_AHEAD:
            yield Violation(
                pointer=f"/asset_ids/{index}",
                code="licence_ends_soon",
                detail=f"The file's licence ends at {file.expires_at.isoformat()}, soon after the post leaves.",
                hint="Renew the licence, or take the post back in time.",
                severity=Severity.WARN,
            )


def alt_texts(media: Files) -> Iterator[Violation]:
    """Say which images have no alternative text."""
    for index, file in enumerate(media):
        if file is not None and file.content_type.startswith("image/") and is_blank(file.alt_text):
            yield Violation(
                pointer=f"/asset_ids/{index}",
                code="alt_text_missing",
                detail="The image has no alternative text for those who can't see it.",
                hint="Describe the image in one sentence.",
                severity=Severity.WARN,
            )


def repeated_media(ids: Sequence[UUID]) -> Iterator[Violation]:
    """Say which files stand twice in the post."""
    for index, asset_id in enumerate(ids):
        if asset_id in ids[:index]:
            yield Violation(
                pointer=f"/asset_ids/{index}",
                code="media_repeated",
                detail="The same file stands twice in the post.",
                hint="Remove one.",
                severity=Severity.WARN,
            )
