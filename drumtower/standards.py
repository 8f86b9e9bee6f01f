"""What the check engine holds a post to besides its own content: the workspace's rule packs, policies and ad share.

Preflight, schedule and the claim gather it here, so that they judge alike.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower import almanac, policies
from drumtower.db.engine import Tx
from drumtower.db.plain import fetch
from drumtower.db.repositories.ad_share import Counted, counted_on, overridden
from drumtower.db.repositories.calendar import own_quiet_days
from drumtower.domain.ad_share import AdShare, Share, Window, count, limit_of, shares, windows
from drumtower.domain.calendar import Mark, OwnMark, marks
from drumtower.domain.content import Nature
from drumtower.domain.facts import Standards
from drumtower.policies import Policies
from drumtower.screening import Screening, screenings


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What holds in a workspace now."""

    screening: Screening
    policies: Policies
    zone: ZoneInfo

    def day(self, at: datetime) -> date:
        """Return the workspace's day of an instant."""
        return at.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """One post on its way to one channel. `delivery_id`: it is planned already, for `due_at`."""

    workspace_id: UUID
    channel_id: UUID
    platform: str
    nature: Nature
    at: datetime
    content_hash: str
    post_id: UUID | None = None
    campaign_id: UUID | None = None
    delivery_id: UUID | None = None
    due_at: datetime | None = None


async def grounds(tx: Tx, workspace_ids: Collection[UUID]) -> dict[UUID, Ground]:
    """Return what holds in each workspace."""
    rows = await fetch(tx, _WORKSPACES, list(workspace_ids))
    screens = await screenings(tx, workspace_ids)
    return {
        row["id"]: Ground(
            screening=screens[row["id"]],
            policies=policies.read(row["policies"]),
            zone=ZoneInfo(row["timezone"]),
        )
        for row in rows
    }


_WORKSPACES = "SELECT id, timezone, policies FROM workspaces WHERE id = ANY ($1::uuid[])"


async def standards_of(tx: Tx, publishes: Sequence[Publish], held: Mapping[UUID, Ground]) -> list[Standards]:
    """Return what each is held to where this holds, in order; the ad share is counted for promotional posts alone."""
    ads = [one for one in publishes if one.nature is Nature.PROMOTIONAL]
    allowed = await overridden(tx, {one.content_hash for one in ads}) if ads else set()
    said = await _own_quiet_days(tx, held, publishes)

    @cache  # a batch is of a day or two, and of few workspaces
    def quiet_days(workspace_id: UUID, day: date) -> tuple[Mark, ...]:
        return tuple(_quiet_days(day, said[workspace_id]))

    standards = []
    for one in publishes:
        ground = held[one.workspace_id]
        screen = ground.screening.on(one.platform, ground.policies.industry)
        share = await _ad_share(tx, ground, one, allowed) if one.nature is Nature.PROMOTIONAL else None
        jargon = tuple(ground.policies.jargon)
        quiet = quiet_days(one.workspace_id, ground.day(one.at))
        standards.append(
            Standards(
                screen=screen,
                ad_share=share,
                campaign_id=one.campaign_id,
                jargon=jargon,
                quiet_days=quiet,
            )
        )
    return standards


async def _own_quiet_days(
    tx: Tx, held: Mapping[UUID, Ground], publishes: Sequence[Publish]
) -> dict[UUID, list[OwnMark]]:
    return await own_quiet_days(tx, held, {held[one.workspace_id].day(one.at) for one in publishes})


def _quiet_days(day: date, own: Sequence[OwnMark]) -> list[Mark]:
    return marks(almanac.quiet_days(day), (one for one in own if one.day == day))


async def _ad_share(tx: Tx, ground: Ground, one: Publish, allowed: set[tuple[str, UUID]]) -> AdShare:
    found = await _counted(tx, [one.channel_id], windows(one.at, ground.zone))
    others = [item for item in found[one.channel_id] if _counts(item, one)]
    policy = ground.policies.ad_share
    counted = shares(one.at, ground.zone, others, limit_of(policy.limit_percent))
    return AdShare(
        shares=tuple(share.adding(1) for share in counted),
        on_breach=policy.on_breach,
        overridden=(one.content_hash, one.channel_id) in allowed,
    )


async def _counted(
    tx: Tx, channel_ids: Collection[UUID], both: Sequence[Window]
) -> dict[UUID, list[Counted]]:
    """Return what is out or planned on these channels within the windows together."""
    start, end = min(window.start for window in both), max(window.end for window in both)
    return await counted_on(tx, channel_ids, start, end)


def _counts(item: Counted, one: Publish) -> bool:
    if item.delivery_id == one.delivery_id or (one.post_id is not None and item.post_id == one.post_id):
        return False
    if one.delivery_id is None or one.due_at is None or not item.promotional or item.is_out:
        return True
    # What leaves now comes before the advertisements planned after it: those are the ones too many.
    return (item.due_at, item.delivery_id) < (one.due_at, one.delivery_id)


async def share_rows(
    tx: Tx, ground: Ground, channel_ids: Collection[UUID], at: datetime
) -> dict[UUID, tuple[Share, ...]]:
    """Return each channel's shares around `at`, as things stand."""
    both = windows(at, ground.zone)
    limit = limit_of(ground.policies.ad_share.limit_percent)
    found = await _counted(tx, channel_ids, both)
    return {
        channel_id: tuple(count(window, found[channel_id], limit) for window in both)
        for channel_id in channel_ids
    }
