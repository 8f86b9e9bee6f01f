"""Builds the record of a post: its key, its text with links and hashtags marked, its pictures."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import regex

from drumtower.adapters.bluesky.schemas import BlueskyOptions
from drumtower.domain.capabilities import MediaRule
from drumtower.domain.text import Unit, length, links_in
from drumtower.platforms import Media, Message

COLLECTION = "app.bsky.feed.post"
# 2 MB since PDS 0.5; older servers refuse a picture over 1 MB when the post is written.
PICTURES = MediaRule(
    types=("image/jpeg", "image/png", "image/webp"), maximum_count=4, maximum_bytes=2_000_000
)
Record = dict[str, Any]

_KEY_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_LANGUAGE = regex.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_POST_URI = regex.compile(
    r"at://(did:[a-z]+:[a-zA-Z0-9._:%-]+)/app\.bsky\.feed\.post/([a-zA-Z0-9_~.:-]{1,512})"
)
# A hashtag of any script; "#1" and "a#b" are none.
_ANY_TAG = r"(?!\p{N}+(?![\p{L}\p{M}\p{N}_]))[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*"
_LONGEST_TAG = {Unit.GRAPHEME: 64, Unit.BYTE: 640}


def record_key(idempotency_key: str, created_at: datetime) -> str:
    """Return the record key of a delivery, the same on every attempt.

    It must be a TID: microseconds and a clock id. The second is the delivery's own; the 30 bits below it are drawn
    from its key, so that deliveries made in the same instant do not meet.
    """
    drawn = int.from_bytes(hashlib.sha256(idempotency_key.encode()).digest()[:8])
    return tid(int(created_at.timestamp()) * 1_000_000 + drawn % 1_000_000, drawn // 1_000_000 % 1024)


def tid(microseconds: int, clock: int) -> str:
    """Write a timestamp and a clock id (10 bits) in sortable base 32."""
    number = (microseconds << 10) | clock
    return "".join(_KEY_DIGITS[(number >> shift) & 31] for shift in range(60, -1, -5))


def post_uri(did: str, key: str) -> str:
    """Return the URI of a post: our external id of it."""
    return f"at://{did}/{COLLECTION}/{key}"


def parse_uri(uri: str) -> tuple[str, str] | None:
    """Return the owner and the key of a post; None for anything else."""
    match = _POST_URI.fullmatch(uri)
    return (match[1], match[2]) if match else None


def web_address(uri: str) -> str | None:
    """Return where people see the post."""
    parsed = parse_uri(uri)
    return f"https://bsky.app/profile/{parsed[0]}/post/{parsed[1]}" if parsed else None


def timestamp(moment: datetime) -> str:
    """Write a moment as records hold it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def post_record(
    message: Message, options: BlueskyOptions, files: Sequence[Record], created_at: str
) -> Record:
    """Build a post. `files` are the references of `message.media`, in order."""
    languages = options.languages or [message.language]
    record = text_record(message.text, created_at, message.hashtags)
    record |= {"langs": spoken} if (spoken := [tag for tag in languages if _LANGUAGE.fullmatch(tag)]) else {}
    record |= {"embed": _pictures(message.media, files)} if files else {}
    return record | (_warning(options.warning) if options.warning else {})


def text_record(text: str, created_at: str, hashtags: Sequence[str] = ()) -> Record:
    """Build a post of text alone."""
    record: Record = {"$type": COLLECTION, "text": text, "createdAt": created_at}
    found = facets(text, hashtags)
    return record | ({"facets": found} if found else {})


def facets(text: str, hashtags: Sequence[str] = ()) -> list[Record]:
    """Mark links and hashtags by their UTF-8 bytes, in order. `hashtags` are known; others are found by their sign."""
    links = list(_links(text))
    tags = (tag for tag in _tags(text, hashtags) if not any(_overlap(tag, link) for link in links))
    return [_facet(text, *mark) for mark in sorted([*links, *tags], key=lambda mark: mark[0])]


Mark = tuple[int, int, Mapping[str, str]]


def _links(text: str) -> Iterator[Mark]:
    position = 0
    for found in links_in(text):
        link = found.rstrip(".,;:!?'\"")
        link = link.rstrip(")") if "(" not in link else link
        start = text.index(found, position)
        position = start + len(found)
        yield start, start + len(link), {"$type": "app.bsky.richtext.facet#link", "uri": link}


def _tags(text: str, known: Sequence[str]) -> Iterator[Mark]:
    longest_first = sorted((regex.escape(tag) for tag in known if tag), key=len, reverse=True)
    names = "|".join([*(f"{name}(?![A-Za-z0-9_])" for name in longest_first), _ANY_TAG])
    for match in regex.finditer(rf"(?<![A-Za-z0-9_&/#＃])[#＃]({names})", text):
        if all(length(match[1], unit) <= most for unit, most in _LONGEST_TAG.items()):
            yield match.start(), match.end(), {"$type": "app.bsky.richtext.facet#tag", "tag": match[1]}


def _overlap(one: Mark, other: Mark) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _facet(text: str, start: int, end: int, feature: Mapping[str, str]) -> Record:
    index = {"byteStart": len(text[:start].encode()), "byteEnd": len(text[:end].encode())}
    return {"index": index, "features": [dict(feature)]}


def _pictures(media: Sequence[Media], files: Sequence[Record]) -> Record:
    return {
        "$type": "app.bsky.embed.images",
        "images": [_picture(one, file) for one, file in zip(media, files, strict=True)],
    }


def _picture(media: Media, file: Record) -> Record:
    picture: Record = {"image": file, "alt": media.alt_text}
    if media.width and media.height:
        picture["aspectRatio"] = {"width": media.width, "height": media.height}
    return picture


def _warning(warning: str) -> Record:
    return {"labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": warning}]}}
