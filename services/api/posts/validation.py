"""What a post may not be, all of it at once: references that lead nowhere, texts nobody can read, days gone by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower.db.engine import Tx
from drumtower.db.models import Channel
from drumtower.db.repositories.assets import AssetRepository
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.campaigns import CampaignRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.posts import PostRepository
from drumtower.domain.content import Content
from drumtower.domain.errors import Violation
from drumtower.domain.schedules import FURTHEST
from drumtower.domain.text import is_blank
from drumtower.messages import option_violations
from drumtower.platforms.registry import Registry
from services.api.principals import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """A campaign that a post of this brand joins, or stays in while it changes its brand."""

    campaign_id: UUID
    brand_id: UUID
    joins: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a post claims besides its content; None claims nothing."""

    brand_id: UUID | None = None
    campaign: Placing | None = None
    owner_id: UUID | None = None
    due_on: date | None = None


async def violations_of_post(
    tx: Tx, principal: Principal, registry: Registry, content: Content, claims: Claims, now: datetime
) -> list[Violation]:
    """Return everything that is wrong, with pointers into the request."""
    return [
        *_texts(content),
        *await _claims(tx, principal, claims),
        *_day(claims.due_on, principal.timezone, now),
        *await _assets(tx, principal, content),
        *await _variants(tx, principal, registry, content),
    ]


def _texts(content: Content) -> Iterator[Violation]:
    texts = {"/title": content.title, "/body": content.body}
    for index, variant in enumerate(content.variants):
        texts |= {
            f"/variants/{index}/title": variant.title or "",
            f"/variants/{index}/body": variant.body or "",
        }
    for pointer, text in texts.items():
        if text and is_blank(text):
            detail = "There are only spaces or invisible characters here."
            yield _wrong(pointer, "blank_text", detail, "Write something, or leave it empty.")
    if not (content.title or content.body or content.asset_ids):
        detail = "A post has a body, a title or media."
        yield _wrong("/body", "content_required", detail, "Write a body, or add an asset.")


def _day(due_on: date | None, timezone: str, now: datetime) -> Iterator[Violation]:
    if due_on is None:
        return
    today = now.astimezone(ZoneInfo(timezone)).date()
    if due_on < today:
        detail = f"{due_on} has passed; today is {today} in {timezone}."
        yield _wrong("/due_on", "date_in_past", detail, "Choose today or a later day.")
    if due_on > today + FURTHEST:
        detail = f"{due_on} is more than two years away."
        yield _wrong("/due_on", "date_too_far", detail, "Check the year.")


async def _claims(tx: Tx, principal: Principal, claims: Claims) -> list[Violation]:
    violations = []
    brands = BrandRepository(tx, principal.workspace_id)
    if claims.brand_id is not None and not await brands.knows(claims.brand_id):
        violations.append(Violation.unknown("brand"))
    posts = PostRepository(tx, principal.workspace_id)
    if claims.owner_id is not None and not await posts.is_member(claims.owner_id):
        violations.append(Violation.unknown("owner"))
    if claims.campaign is not None:
        violations += await _campaign(tx, principal, claims.campaign)
    return violations


async def _campaign(tx: Tx, principal: Principal, placing: Placing) -> list[Violation]:
    campaign = await CampaignRepository(tx, principal.workspace_id).named(placing.campaign_id)
    if campaign is None:
        return [Violation.unknown("campaign")]
    violations = []
    if campaign.brand_id != placing.brand_id:
        hint = "Name a campaign of the post's brand, or none."
        violations.append(
            _wrong("/campaign_id", "campaign_of_other_brand", "The campaign is another brand's.", hint)
        )
    if placing.joins and campaign.archived_at is not None:
        detail = "The campaign is archived: no post joins it any more."
        violations.append(_wrong("/campaign_id", "campaign_archived", detail, "Name another, or none."))
    return violations


async def _assets(tx: Tx, principal: Principal, content: Content) -> list[Violation]:
    named = {f"/asset_ids/{i}": asset_id for i, asset_id in enumerate(content.asset_ids)}
    for number, variant in enumerate(content.variants):
        named |= {f"/variants/{number}/asset_ids/{i}": a for i, a in enumerate(variant.asset_ids or ())}
    known = await AssetRepository(tx, principal.workspace_id).among(set(named.values()))
    return [
        Violation.unknown("asset", pointer) for pointer, asset_id in named.items() if asset_id not in known
    ]


async def _variants(tx: Tx, principal: Principal, registry: Registry, content: Content) -> list[Violation]:
    ids = [variant.channel_id for variant in content.variants]
    known = await ChannelRepository(tx, principal.workspace_id).among(ids) if ids else {}
    violations = channel_violations(ids, known, "/variants/{}/channel_id")
    for index, variant in enumerate(content.variants):
        channel = known.get(variant.channel_id)
        adapter = registry.adapters.get(channel.platform) if channel else None
        if adapter is not None:
            violations += option_violations(adapter, variant.options, f"/variants/{index}/options")
    return violations


def channel_violations(ids: Sequence[UUID], known: dict[UUID, Channel], pointer: str) -> list[Violation]:
    """Say which of the named channels are strangers or named twice; `pointer` has one `{}` for the index."""
    violations = []
    for index, channel_id in enumerate(ids):
        if channel_id not in known:
            violations.append(Violation.unknown("channel", pointer.format(index)))
        elif channel_id in ids[:index]:
            detail = "This channel is named twice."
            violations.append(_wrong(pointer.format(index), "duplicate_channel", detail, "Name it once."))
    return violations


def _wrong(pointer: str, code: str, detail: str, hint: str = "") -> Violation:
    return Violation(pointer=pointer, code=code, detail=detail, hint=hint)
