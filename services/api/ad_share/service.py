"""Counting, imagining and allowing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from drumtower.db.engine import Tx
from drumtower.db.models import AdShareOverride, Channel
from drumtower.db.repositories.ad_share import AdShareRepository, counted_on
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.posts import PostRepository
from drumtower.domain.ad_share import Item, Share, ShareVerdict, explain, limit_of, shares, windows
from drumtower.domain.capabilities import Label
from drumtower.domain.content import Nature
from drumtower.domain.errors import Conflict, Forbidden, Invalid
from drumtower.domain.ids import new_id
from drumtower.standards import Ground
from services.api import audit
from services.api.ad_share.schemas import (
    OverrideCreate,
    PlannedPosts,
    ShareRead,
    SimulatedChannel,
    SimulatedMoment,
    SimulationCreate,
)
from services.api.languages import Language
from services.api.posts.validation import channel_violations
from services.api.principals import Principal


def read(share: Share, language: Language) -> ShareRead:
    """Return one window as clients see it."""
    return ShareRead(
        window=share.window.kind,
        start=share.window.start,
        end=share.window.end,
        promotional=share.promotional,
        total=share.total,
        share=None if share.value is None else float(share.value),
        limit=float(share.limit),
        verdict=share.verdict,
        room=share.room,
        needed=share.needed,
        explanation=language.of(explain(share)),
    )


async def simulate(
    tx: Tx, principal: Principal, ground: Ground, asked: SimulationCreate, language: Language
) -> list[SimulatedChannel]:
    """Return what the posts would do to each channel around each of their moments."""
    known = await ChannelRepository(tx, principal.workspace_id).among(asked.channel_ids)
    wrong = channel_violations(asked.channel_ids, known, "/channel_ids/{}")
    if wrong:
        raise Invalid.of(wrong)
    moments = sorted({post.at for post in asked.posts})
    spans = [window for at in moments for window in windows(at, ground.zone)]
    start, end = min(one.start for one in spans), max(one.end for one in spans)
    found = await counted_on(tx, asked.channel_ids, start, end)
    imagined = [*_items(asked.posts)]
    return [
        _simulated(known[channel_id], found[channel_id], imagined, moments, ground, language)
        for channel_id in asked.channel_ids
    ]


def _items(posts: Iterable[PlannedPosts]) -> Iterable[Item]:
    for post in posts:
        item = Item(at=post.at, promotional=post.nature is Nature.PROMOTIONAL)
        yield from [item] * post.count


def _simulated(
    channel: Channel,
    items: Sequence[Item],
    imagined: Sequence[Item],
    moments: Sequence[datetime],
    ground: Ground,
    language: Language,
) -> SimulatedChannel:
    limit = limit_of(ground.policies.ad_share.limit_percent)
    pairs = [
        (at, shares(at, ground.zone, items, limit), shares(at, ground.zone, [*items, *imagined], limit))
        for at in moments
    ]
    over = [share for _, _, after in pairs for share in after if share.verdict is ShareVerdict.EXCEEDED]
    return SimulatedChannel(
        channel_id=channel.id,
        platform=channel.platform,
        ok=not over,
        explanation=language.of(_verdict(over, [share for _, _, after in pairs for share in after])),
        moments=[
            SimulatedMoment(
                at=at,
                before=[read(share, language) for share in before],
                after=[read(share, language) for share in after],
            )
            for at, before, after in pairs
        ],
    )


def _verdict(over: Sequence[Share], every: Sequence[Share]) -> Label:
    """Say the worst of it in words."""
    worst = max(over or every, key=lambda share: share.value or 0)
    said = explain(worst)
    if over:
        return Label(zh_cn=f"会超出广告占比。{said.zh_cn}", en=f"It goes over the ad share. {said.en}")
    return Label(zh_cn=f"不会超出广告占比。{said.zh_cn}", en=f"It stays within the ad share. {said.en}")


async def allow(tx: Tx, principal: Principal, asked: OverrideCreate, now: datetime) -> AdShareOverride:
    """Keep that a second person allows it; raise Forbidden for whoever wrote it, Conflict where it is allowed."""
    posts = PostRepository(tx, principal.workspace_id)
    post = await posts.get(asked.post_id)
    await ChannelRepository(tx, principal.workspace_id).get(asked.channel_id)
    version = await posts.version(post.id, post.version)
    if principal.member_id in (post.created_by, version.created_by):
        raise Forbidden(
            "own_work", "Whoever wrote a post can't let it over the ad share. Ask another member."
        )
    overrides = AdShareRepository(tx, principal.workspace_id)
    if await overrides.override(post.id, asked.channel_id, post.content_hash) is not None:
        raise Conflict("override_exists", "This content is allowed on this channel already.")
    row = AdShareOverride(
        id=new_id(),
        workspace_id=principal.workspace_id,
        post_id=post.id,
        channel_id=asked.channel_id,
        content_hash=post.content_hash,
        reason=asked.reason,
        granted_by=principal.member_id,
        granted_at=now,
    )
    tx.add(row)
    await tx.flush()
    audit.record(
        tx, principal, "ad_share.overridden", post.id, now,
        channel_id=str(asked.channel_id), reason=asked.reason,
    )  # fmt: skip
    return row
