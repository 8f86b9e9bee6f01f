"""What leaves, and whether it may: the content of a delivery as an adapter gets it, and the checks on it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError

from drumtower.db.models import Asset, Brand, Channel
from drumtower.domain.checks import examine
from drumtower.domain.content import ChannelContent, Disclosure, Kind, Nature, compose
from drumtower.domain.errors import Violation
from drumtower.domain.facts import Facts, MediaFacts, Standards
from drumtower.platforms import Adapter, Media, Message
from drumtower.storage import Storage

CONNECTED = "connected"  # channels.status


def compose_text(adapter: type[Adapter] | Adapter, content: ChannelContent) -> str:
    """Return the text as the platform gets it: the body, then links and hashtags that do not stand in it yet."""
    sent = content if adapter.capabilities.hashtags_in_text else replace(content, hashtags=())
    return compose(sent, hashtag=adapter.hashtag)


def content_of(payload: Mapping[str, Any]) -> ChannelContent:
    """Read a publish delivery's payload (the inverse of `payload_of`)."""
    return ChannelContent(
        title=payload["title"],
        body=payload["body"],
        kind=Kind(payload["kind"]),
        nature=Nature(payload["nature"]),
        language=payload["language"],
        links=tuple(payload["links"]),
        hashtags=tuple(payload["hashtags"]),
        asset_ids=tuple(UUID(asset_id) for asset_id in payload["asset_ids"]),
        disclosures=tuple(Disclosure(value) for value in payload["disclosures"]),
        options=payload["options"],
    )


def message_of(
    adapter: type[Adapter] | Adapter, content: ChannelContent, assets: Sequence[Asset], storage: Storage
) -> Message:
    """Return the message to send; `assets` are the content's, in any order. Files are read only when asked for.

    Raises KeyError where one of the content's assets is not given.
    """
    by_id = {asset.id: asset for asset in assets}
    return Message(
        title=content.title,
        text=compose_text(adapter, content),
        body=content.body,
        kind=content.kind,
        language=content.language,
        links=content.links,
        hashtags=content.hashtags,
        media=tuple(_media(by_id[asset_id], storage) for asset_id in content.asset_ids),
        disclosures=content.disclosures,
    )


def _media(asset: Asset, storage: Storage) -> Media:
    return Media(
        asset_id=asset.id,
        content_type=asset.content_type,
        size=asset.size,
        read=partial(storage.read, asset.workspace_id, asset.id),
        file_name=asset.file_name,
        alt_text=asset.alt_text,
        width=asset.width,
        height=asset.height,
        duration=_duration(asset),
        codecs=tuple(asset.codecs),
    )


def options_of(adapter: type[Adapter] | Adapter, content: ChannelContent) -> BaseModel:
    """Return the per-post settings as the adapter declares them; raise ValidationError where they are wrong."""
    return adapter.options.model_validate(content.options)


def option_violations(
    adapter: type[Adapter] | Adapter, options: Mapping[str, Any], pointer: str = "/options"
) -> tuple[Violation, ...]:
    """Say what is wrong with per-post settings."""
    try:
        adapter.options.model_validate(options)
    except ValidationError as error:
        return tuple(
            Violation(
                pointer="/".join([pointer, *(str(part) for part in item["loc"])]),
                code="option_invalid",
                detail=f"{adapter.name.en}: {item['msg']}",
                hint=f"GET /v1/platforms/{adapter.slug} shows its options.",
            )
            for item in error.errors(include_input=False, include_url=False)
        )
    return ()


def facts_of(
    adapter: type[Adapter] | Adapter,
    content: ChannelContent,
    assets: Sequence[Asset],
    channel: Channel,
    brand: Brand | None,
    at: datetime,
    standards: Standards,
) -> Facts:
    """Gather what the checks look at; `at` is when the post would leave."""
    by_id = {asset.id: asset for asset in assets}
    return Facts(
        content=content,
        text=compose_text(adapter, content),
        platform=adapter.name.en,
        capabilities=adapter.capabilities,
        connected=channel.status == CONNECTED,
        media=tuple(_media_facts(by_id.get(asset_id)) for asset_id in content.asset_ids),
        option_violations=option_violations(adapter, content.options),
        banned_words=tuple(brand.banned_words) if brand else (),
        required_words=tuple(brand.required_words) if brand else (),
        brand_names=(brand.name,) if brand and brand.name else (),
        at=at,
        standards=standards,
    )


def _media_facts(asset: Asset | None) -> MediaFacts | None:
    if asset is None:
        return None
    return MediaFacts(
        content_type=asset.content_type,
        size=asset.size,
        alt_text=asset.alt_text,
        expires_at=asset.expires_at,
        width=asset.width,
        height=asset.height,
        duration=_duration(asset),
        codecs=tuple(asset.codecs),
    )


def _duration(asset: Asset) -> timedelta | None:
    return None if asset.duration_ms is None else timedelta(milliseconds=asset.duration_ms)


def violations_of(
    adapter: type[Adapter] | Adapter,
    content: ChannelContent,
    assets: Sequence[Asset],
    channel: Channel,
    brand: Brand | None,
    now: datetime,
    standards: Standards,
) -> list[Violation]:
    """Run every check on what would leave at `now`; a violation of severity `block` forbids it."""
    facts = facts_of(adapter, content, assets, channel, brand, now, standards)
    return [finding.violation for finding in examine(facts)]
