"""What leaves, and whether it may: the content of a delivery as an adapter gets it, and the checks on it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError

from drumtower.db.models import Asset, Brand, Channel
from drumtower.domain import brands
from drumtower.domain.brands import Kit
from drumtower.domain.checks import examine
from drumtower.domain.content import ChannelContent, Kind, Nature, compose
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.errors import Violation
from drumtower.domain.facts import Facts, MediaFacts, Standards
from drumtower.domain.renditions import target_for
from drumtower.platforms import Adapter, Media, Message
from drumtower.storage import Storage

CONNECTED = "connected"  # channels.status


def compose_text(adapter: type[Adapter] | Adapter, content: ChannelContent) -> str:
    """Return the text as the platform gets it: the body, then links, hashtags and disclosures that it still lacks."""
    takes = adapter.capabilities
    sent = content if takes.hashtags_in_text else replace(content, hashtags=())
    return compose(sent, hashtag=adapter.hashtag, marked=takes.native_disclosures)


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
    files = _files(adapter, assets)
    return Message(
        title=content.title,
        text=compose_text(adapter, content),
        body=content.body,
        kind=content.kind,
        language=content.language,
        links=content.links,
        hashtags=content.hashtags,
        media=tuple(_media(*files[asset_id], storage) for asset_id in content.asset_ids),
        disclosures=content.disclosures,
    )


def _files(adapter: type[Adapter] | Adapter, assets: Sequence[Asset]) -> dict[UUID, tuple[Asset, Asset]]:
    """Return each asset with the file that goes out: its rendition for this platform where there is one, else itself."""
    made = {(one.derived_from, one.rendition_key): one for one in assets if one.derived_from}
    files = {}
    for asset in assets:
        target = target_for(adapter.capabilities, _media_facts(asset, asset))
        files[asset.id] = (asset, made.get((asset.id, target.key), asset) if target else asset)
    return files


def _media(asset: Asset, file: Asset, storage: Storage) -> Media:
    return Media(
        asset_id=file.id,
        content_type=file.content_type,
        size=file.size,
        read=partial(storage.read, file.workspace_id, file.id),
        file_name=file.file_name,
        alt_text=asset.alt_text,
        width=file.width,
        height=file.height,
        duration=_duration(file),
        codecs=tuple(file.codecs),
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
    files = _files(adapter, assets)
    return Facts(
        content=content,
        text=compose_text(adapter, content),
        platform=adapter.name.en,
        capabilities=adapter.capabilities,
        connected=channel.status == CONNECTED,
        media=tuple(
            _media_facts(*files[asset_id]) if asset_id in files else None for asset_id in content.asset_ids
        ),
        option_violations=option_violations(adapter, content.options),
        at=at,
        kit=kit_of(brand) if brand else Kit(),
        slug=adapter.slug,
        standards=standards,
    )


def kit_of(brand: Brand) -> Kit:
    """Return what a brand holds its posts to."""
    return Kit(
        name=brand.name or "",
        banned_words=tuple(brand.banned_words),
        required_words=tuple(brand.required_words),
        product_names=brands.product_names(brand.product_names or ()),
        tone=brands.tone_rules(brand.tone_rules or {}),
        disclosure_rules=brands.disclosure_rules(brand.disclosure_rules or ()),
        palette=brands.palette(brand.palette or ()),
    )


def media_facts(asset: Asset) -> MediaFacts:
    """Return what the checks look at."""
    return _media_facts(asset, asset)


def _media_facts(asset: Asset, file: Asset) -> MediaFacts:
    """Texts and rights are the asset's, measures the file's that goes out."""
    return MediaFacts(
        content_type=file.content_type,
        size=file.size,
        alt_text=asset.alt_text,
        expires_at=asset.expires_at,
        width=file.width,
        height=file.height,
        duration=_duration(file),
        codecs=tuple(file.codecs),
        ai_generated=bool(asset.ai_generated),
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
