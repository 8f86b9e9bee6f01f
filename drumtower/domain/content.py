"""What an author wrote, the channel's own variant of it, and the hash that an approval binds to."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from drumtower.domain.disclosures import Disclosure, untold


class Kind(StrEnum):
    """The form of a post."""

    IMAGE_TEXT = "image_text"
    ARTICLE = "article"
    VIDEO = "video"
    AUDIO = "audio"
    LIVE = "live"
    QUESTION = "question"


class Nature(StrEnum):
    """Why a post is published; promotional posts count towards the ad share."""

    EDITORIAL = "editorial"
    PROMOTIONAL = "promotional"
    PUBLIC_SERVICE = "public_service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A channel's own version: a None field means the post's own."""

    channel_id: UUID
    title: str | None = None
    body: str | None = None
    asset_ids: tuple[UUID, ...] | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All that a reviewer approves: any change of it is a new version."""

    title: str
    body: str
    kind: Kind
    nature: Nature
    language: str = "zh-CN"
    links: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    asset_ids: tuple[UUID, ...] = ()
    disclosures: tuple[Disclosure, ...] = ()
    variants: tuple[Variant, ...] = ()

    @property
    def all_asset_ids(self) -> set[UUID]:
        """The files of the post and of its variants."""
        return set(self.asset_ids).union(*(variant.asset_ids or () for variant in self.variants))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelContent:
    """The content as it goes to one channel: the variant laid over the post."""

    title: str
    body: str
    kind: Kind
    nature: Nature
    language: str
    links: tuple[str, ...]
    hashtags: tuple[str, ...]
    asset_ids: tuple[UUID, ...]
    disclosures: tuple[Disclosure, ...]
    options: dict[str, Any]


def for_channel(content: Content, channel_id: UUID) -> ChannelContent:
    """Lay the channel's variant, if there is one, over the post's content."""
    variant = next((v for v in content.variants if v.channel_id == channel_id), None)
    if variant is None:
        variant = Variant(channel_id=channel_id)
    return ChannelContent(
        title=content.title if variant.title is None else variant.title,
        body=content.body if variant.body is None else variant.body,
        kind=content.kind,
        nature=content.nature,
        language=content.language,
        links=content.links,
        hashtags=content.hashtags,
        asset_ids=content.asset_ids if variant.asset_ids is None else variant.asset_ids,
        disclosures=content.disclosures,
        options=variant.options,
    )


# What somebody wrote, each with the pointer to where it stands.
Texts = tuple[tuple[str, str], ...]


def texts_of(content: Content | ChannelContent) -> Texts:
    """Return what a reader of the post reads."""
    tags = ((f"/hashtags/{index}", tag) for index, tag in enumerate(content.hashtags))
    after = () if isinstance(content, Content) else follow_ups(content.options).items()
    return (("/title", content.title), ("/body", content.body), *tags, *after)


def to_json(content: Content) -> dict[str, Any]:
    """Return `content` as plain JSON, the form in which versions are stored."""
    return {
        "title": content.title,
        "body": content.body,
        "kind": content.kind.value,
        "nature": content.nature.value,
        "language": content.language,
        "links": list(content.links),
        "hashtags": list(content.hashtags),
        "asset_ids": [str(asset_id) for asset_id in content.asset_ids],
        "disclosures": [disclosure.value for disclosure in content.disclosures],
        "variants": [_variant_json(variant) for variant in content.variants],
    }


def _variant_json(variant: Variant) -> dict[str, Any]:
    ids = None if variant.asset_ids is None else [str(asset_id) for asset_id in variant.asset_ids]
    return {
        "channel_id": str(variant.channel_id),
        "title": variant.title,
        "body": variant.body,
        "asset_ids": ids,
        "options": variant.options,
    }


def from_json(stored: dict[str, Any]) -> Content:
    """Read a stored version."""
    return Content(
        title=stored["title"],
        body=stored["body"],
        kind=Kind(stored["kind"]),
        nature=Nature(stored["nature"]),
        language=stored["language"],
        links=tuple(stored["links"]),
        hashtags=tuple(stored["hashtags"]),
        asset_ids=tuple(UUID(asset_id) for asset_id in stored["asset_ids"]),
        disclosures=tuple(Disclosure(value) for value in stored["disclosures"]),
        variants=tuple(_variant(variant) for variant in stored["variants"]),
    )


def _variant(stored: dict[str, Any]) -> Variant:
    ids = stored["asset_ids"]
    return Variant(
        channel_id=UUID(stored["channel_id"]),
        title=stored["title"],
        body=stored["body"],
        asset_ids=None if ids is None else tuple(UUID(asset_id) for asset_id in ids),
        options=stored["options"],
    )


def digest(content: Content) -> str:
    """Return the SHA-256 of the canonical JSON, in hex: equal content has an equal hash."""
    canonical = json.dumps(to_json(content), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def compose(
    content: ChannelContent,
    *,
    hashtag: str,
    with_links: bool = True,
    marked: Collection[Disclosure] = (),
) -> str:
    """Return the text that is sent: body, then links and hashtags that do not stand in it yet, then what must be
    disclosed.

    `hashtag` is the platform's form with one `{}` ("#{}#" on Weibo, "#{}" elsewhere); `marked` is what the platform marks
    by itself.
    """
    links = [link for link in content.links if link not in content.body] if with_links else []
    tags = [hashtag.format(tag) for tag in content.hashtags]
    tail = " ".join([*links, *(tag for tag in tags if tag not in content.body)])
    text = f"{content.body}\n{tail}" if tail and content.body else content.body or tail
    owed = [one for one in content.disclosures if one not in marked]
    return "\n".join([*([text] if text else []), *untold(text, owed, content.language)])


def follow_ups(options: Mapping[str, Any]) -> dict[str, str]:
    """Return what follows the post, by pointer: the parts of its thread, or its first comment."""
    thread, comment = options.get("thread"), options.get("first_comment")
    parts = thread if isinstance(thread, list) else []
    found = {f"/options/thread/{index}": part for index, part in enumerate(parts) if isinstance(part, str)}
    return found | ({"/options/first_comment": comment} if isinstance(comment, str) and comment else {})
