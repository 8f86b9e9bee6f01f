"""Preflight: what the check engine says of a post on each of its channels, before anybody sends it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from drumtower import originality
from drumtower.db.engine import Tx
from drumtower.db.models import Brand, Channel, Freeze, Post
from drumtower.db.repositories import link_looks
from drumtower.db.repositories.assets import AssetRepository
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.freezes import FreezeRepository, reach_of
from drumtower.db.repositories.posts import PostRepository
from drumtower.domain.brands import PILLAR_WINDOW, PillarShare, pillar_plan, shares
from drumtower.domain.checks import Finding, Length, blocks, examine_each, measure, place
from drumtower.domain.content import ChannelContent, Content, digest, for_channel, from_json
from drumtower.domain.deliveries import FINAL, Action, State
from drumtower.domain.errors import Invalid, Severity, Violation
from drumtower.domain.facts import Facts
from drumtower.domain.freezes import Subject, covers
from drumtower.domain.link_looks import urls_of
from drumtower.messages import CONNECTED, facts_of
from drumtower.platforms.registry import Registry
from drumtower.standards import Publish, standards_of
from services.api.grounds import ground_of
from services.api.posts.validation import channel_violations
from services.api.principals import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCheck:
    """What was found on one channel; pointers lead into the channel's content. No length: nobody speaks to it."""

    channel: Channel
    findings: tuple[Finding, ...]
    length: Length | None

    @property
    def blocking(self) -> list[Violation]:
        """The violations that forbid sending."""
        return [f.violation for f in self.findings if f.violation.severity is Severity.BLOCK]

    @property
    def is_ok(self) -> bool:
        return not blocks(finding.violation for finding in self.findings)


async def channels_named(
    tx: Tx, principal: Principal, ids: Sequence[UUID]
) -> tuple[list[Channel], list[Violation]]:
    """Return the named channels of this workspace in order, and what is wrong with the others."""
    known = await ChannelRepository(tx, principal.workspace_id).among(ids)
    return [known[i] for i in ids if i in known], channel_violations(ids, known, "/channel_ids/{}")


async def channels_asked(
    tx: Tx, principal: Principal, post: Post, ids: Sequence[UUID] | None
) -> list[Channel]:
    """Return the named channels, or (None) where the post is meant to go; raise Invalid for those that are not there."""
    if ids is None:
        return await channels_of(tx, principal, post)
    channels, wrong = await channels_named(tx, principal, ids)
    if wrong:
        raise Invalid.of(wrong)
    return channels


async def channels_of(tx: Tx, principal: Principal, post: Post) -> list[Channel]:
    """Return where the post is meant to go: its variants' channels and those it is scheduled to.

    Where it says nothing, all connected channels of its brand.
    """
    rows = await PostRepository(tx, principal.workspace_id).deliveries_of([post.id])
    ids = [variant.channel_id for variant in from_json(post.content).variants]
    ids += [row.channel_id for row in rows[post.id] if State(row.state) not in FINAL]
    channels = ChannelRepository(tx, principal.workspace_id)
    if ids:
        known = await channels.among(ids)
        return [known[channel_id] for channel_id in dict.fromkeys(ids) if channel_id in known]
    statement = channels.all().where(Channel.brand_id == post.brand_id, Channel.status == CONNECTED)
    return list((await tx.scalars(statement.order_by(Channel.id))).all())


async def check(
    tx: Tx,
    principal: Principal,
    registry: Registry,
    content: Content,
    channels: Sequence[Channel],
    at: datetime,
    post_id: UUID | None = None,
) -> list[ChannelCheck]:
    """Run every check on the content as it would leave at `at` to each channel.

    `post_id`: whose content it is, so that what is planned of it already is not counted twice.
    """
    assets = list((await AssetRepository(tx, principal.workspace_id).among(content.all_asset_ids)).values())
    of_channels = (
        BrandRepository(tx, principal.workspace_id)
        .all()
        .where(Brand.id.in_({channel.brand_id for channel in channels}))
    )
    brands = {brand.id: brand for brand in await tx.scalars(of_channels)}
    freezes = await FreezeRepository(tx, principal.workspace_id).at(at)
    post = await tx.get(Post, post_id) if post_id else None  # whoever asks has read it: no statement
    campaign_id = post.campaign_id if post is not None else None
    publishes = _publishes(principal, content, channels, at, post)
    ground = await ground_of(tx, principal)
    found = await standards_of(tx, publishes, {principal.workspace_id: ground})
    policy = ground.policies.originality
    texts = await originality.originality_of(tx, principal.workspace_id, policy, content, post_id)
    links = await link_looks.found(tx, principal.workspace_id, urls_of(content))
    pillar = await _pillar(tx, principal, post, brands, at)
    standards = {
        one.channel_id: replace(held, originality=texts, pillar=pillar, links=links)
        for one, held in zip(publishes, found, strict=True)
    }
    spoken = [
        (channel, adapter) for channel in channels if (adapter := registry.adapters.get(channel.platform))
    ]
    facts = {
        channel.id: facts_of(
            adapter,
            for_channel(content, channel.id),
            assets,
            channel,
            brands.get(channel.brand_id),
            at,
            standards[channel.id],
        )
        for channel, adapter in spoken
    }
    findings = dict(zip(facts, examine_each(list(facts.values())), strict=True))
    return [
        _checked(channel, facts[channel.id], findings[channel.id], freezes, campaign_id)
        if channel.id in facts
        else _unspoken(channel)
        for channel in channels
    ]


def _checked(
    channel: Channel,
    facts: Facts,
    findings: Sequence[Finding],
    freezes: Sequence[Freeze],
    campaign_id: UUID | None,
) -> ChannelCheck:
    found = (*findings, *_frozen(freezes, channel, facts.content, campaign_id))
    return ChannelCheck(channel=channel, findings=found, length=measure(facts))


def _publishes(
    principal: Principal, content: Content, channels: Sequence[Channel], at: datetime, post: Post | None
) -> list[Publish]:
    content_hash = digest(content)
    return [
        Publish(
            workspace_id=principal.workspace_id,
            channel_id=channel.id,
            platform=channel.platform,
            nature=content.nature,
            at=at,
            content_hash=content_hash,
            post_id=post.id if post else None,
            campaign_id=post.campaign_id if post else None,
        )
        for channel in channels
    ]


async def _pillar(
    tx: Tx, principal: Principal, post: Post | None, brands: Mapping[UUID, Brand], at: datetime
) -> PillarShare | None:
    """Return how much the post's pillar would be spoken of with it; None where its brand has no plan."""
    brand = brands.get(post.brand_id) if post else None
    if post is None or brand is None or not brand.pillar_plan:
        return None
    counted = await BrandRepository(tx, principal.workspace_id).pillars(
        brand.id, at - PILLAR_WINDOW, at, post.id
    )
    counted[post.pillar] = counted.get(post.pillar, 0) + 1
    plan = pillar_plan(brand.pillar_plan)
    return next(one for one in shares(counted, plan) if one.pillar == post.pillar)


def _frozen(
    freezes: Sequence[Freeze], channel: Channel, content: ChannelContent, campaign_id: UUID | None
) -> list[Finding]:
    """Warn of every freeze that would hold it: it may be planned, and leaves when the freeze is over."""
    subject = Subject(
        action=Action.PUBLISH,
        brand_id=channel.brand_id,
        channel_id=channel.id,
        campaign_id=campaign_id,
        nature=content.nature.value,
    )
    return [
        Finding(
            criterion=None,
            violation=Violation(
                pointer="/channel",
                code="frozen",
                detail=f"A freeze holds it: {freeze.reason}",
                hint="It leaves when the freeze is over.",
                severity=Severity.WARN,
            ),
        )
        for freeze in freezes
        if covers(reach_of(freeze), subject)
    ]


def _unspoken(channel: Channel) -> ChannelCheck:
    violation = Violation(
        pointer="/channel",
        code="platform_unknown",
        detail=f"No adapter for {channel.platform} is installed.",
        hint="Ask the operator of this Drumtower.",
    )
    return ChannelCheck(
        channel=channel, findings=(Finding(criterion=None, violation=violation),), length=None
    )


def placed(check: ChannelCheck, content: Content) -> list[Finding]:
    """Return the findings with pointers into the post."""
    ids = [variant.channel_id for variant in content.variants]
    variant = ids.index(check.channel.id) if check.channel.id in ids else None
    return [
        replace(
            finding,
            violation=replace(finding.violation, pointer=place(finding.violation.pointer, content, variant)),
        )
        for finding in check.findings
    ]


def refuse_blocked(checks: Sequence[ChannelCheck], content: Content) -> None:
    """Raise Invalid with every blocking violation of every channel; what all channels share is said once."""
    found = [
        finding.violation
        for check in checks
        for finding in placed(check, content)
        if finding.violation.severity is Severity.BLOCK
    ]
    if found:
        raise Invalid.of(list(dict.fromkeys(found)))
