"""Gathers what figures are made of: numbers per channel and bucket, clicks, conversions, answers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from drumtower.db.repositories.kpis import Bucket, ChannelRow, KpiRepository, Period
from drumtower.domain import kpis
from drumtower.domain.figures import ChannelNumbers, Figure, Followers
from drumtower.domain.kpi_dictionary import Kpi
from drumtower.domain.samples import ENGAGEMENTS, Metric
from drumtower.platforms.registry import Registry
from services.api.metrics.query import KpiQuery

Cell = tuple[UUID, date | None]
SubjectCell = tuple[str | None, date | None]

_POST_METRICS: dict[Kpi, tuple[Metric, ...]] = {
    Kpi.EXPOSURE: (Metric.EXPOSURE,),
    Kpi.LIKES: (Metric.LIKES,),
    Kpi.COMMENTS: (Metric.COMMENTS,),
    Kpi.SHARES: (Metric.SHARES,),
    Kpi.SAVES: (Metric.SAVES,),
    Kpi.ENGAGEMENTS: ENGAGEMENTS,
    Kpi.ENGAGEMENT_RATE: (*ENGAGEMENTS, Metric.EXPOSURE),
}
SAMPLED = frozenset({*_POST_METRICS, Kpi.FOLLOWER_GROWTH})


def buckets(period: Period) -> list[date | None]:
    """Return the first days of a period's buckets; one None where it is not cut."""
    if period.bucket is None:
        return [None]
    days = [period.first + timedelta(days=n) for n in range((period.last - period.first).days + 1)]
    match period.bucket:
        case Bucket.DAY:
            starts = days
        case Bucket.WEEK:
            starts = [day - timedelta(days=day.weekday()) for day in days]
        case Bucket.MONTH:
            starts = [day.replace(day=1) for day in days]
    return list(dict.fromkeys(starts))


@dataclass(slots=True)
class Numbers:
    """What samples say, per channel and bucket."""

    gives: dict[UUID, frozenset[Metric]]
    followers: dict[Cell, Followers] = field(default_factory=dict)
    known: dict[Cell, ChannelNumbers] = field(default_factory=dict)
    publishing: set[UUID] = field(default_factory=set)

    def of(self, channel_id: UUID, bucket: date | None) -> ChannelNumbers:
        """Return what is known of a channel in a bucket."""
        cell = channel_id, bucket
        return self.known.get(cell) or ChannelNumbers(
            channel_id=channel_id,
            followers=self.followers.get(cell),
            gives=self.gives[channel_id],
            has_posts=channel_id in self.publishing,
        )


async def numbers(
    rows: KpiRepository, asked: KpiQuery, channels: Sequence[ChannelRow], registry: Registry
) -> Numbers:
    """Read what samples say about these channels, as far as the figures asked for need it."""
    found = Numbers(gives={channel.id: _gives(channel, registry) for channel in channels})
    if {Kpi.FOLLOWER_GROWTH, Kpi.ENGAGEMENT_RATE} & set(asked.kpis):
        await _read_followers(rows, asked, list(found.gives), found)
    wanted = {metric for kpi in asked.kpis for metric in _POST_METRICS.get(kpi, ())}
    if wanted:
        await _read_gains(rows, asked, [metric for metric in Metric if metric in wanted], found)
        measured = {channel_id for channel_id, _ in found.known}
        silent = set(found.gives) - measured
        found.publishing = measured | await rows.publishing(silent, asked.period.end)
    return found


def _gives(channel: ChannelRow, registry: Registry) -> frozenset[Metric]:
    adapter = registry.adapters.get(channel.platform)
    if adapter is None:
        return frozenset()
    told = (*adapter.capabilities.metrics, *adapter.capabilities.channel_metrics)
    return frozenset(Metric(name) for name in told if name in set(Metric))


async def _read_gains(
    rows: KpiRepository, asked: KpiQuery, metrics: Sequence[Metric], found: Numbers
) -> None:
    rate = Kpi.ENGAGEMENT_RATE in asked.kpis
    for row in await rows.gains(asked.period, metrics, asked.channel_ids, exposed=rate):
        channel_id, bucket, sampled_at, acted = row[:4]
        found.known[channel_id, bucket] = ChannelNumbers(
            channel_id=channel_id,
            gains={metric: gain for metric, gain in zip(metrics, row[4:], strict=True) if gain is not None},
            exposed_engagements=acted,
            followers=found.followers.get((channel_id, bucket)),
            gives=found.gives[channel_id],
            sampled_at=sampled_at,
        )


async def _read_followers(rows: KpiRepository, asked: KpiQuery, ids: list[UUID], found: Numbers) -> None:
    measured: dict[Cell, Any] = {
        (row.channel_id, row.bucket): row for row in await rows.followers(asked.period, asked.channel_ids)
    }
    before = {row.channel_id: row for row in await rows.followers_before(asked.period.first, ids)}
    for channel_id in ids:
        last = before.get(channel_id)
        for bucket in buckets(asked.period):
            row = measured.get((channel_id, bucket))
            if row is not None:
                found.followers[channel_id, bucket] = Followers(
                    growth=row.growth, total=row.total, sampled_at=row.sampled_at, first=last is None
                )
                last = row
            elif last is not None:
                found.followers[channel_id, bucket] = Followers(
                    growth=None, total=last.total, sampled_at=last.sampled_at
                )


@dataclass(slots=True)
class Led:
    """Clicks and what they led to, per subject and bucket."""

    clicks: Counter[SubjectCell] = field(default_factory=Counter)
    bots: Counter[SubjectCell] = field(default_factory=Counter)
    conversions: Counter[SubjectCell] = field(default_factory=Counter)
    unattributed: Counter[SubjectCell] = field(default_factory=Counter)

    @property
    def has_nowhere(self) -> bool:
        """Whether something hangs on no channel and is shown apart."""
        counted = {*self.clicks, *self.bots, *self.conversions, *self.unattributed}
        return any(subject is None for subject, _ in counted)

    def figure(self, cell: SubjectCell) -> Figure:
        return kpis.conversion_rate(
            conversions=self.conversions[cell],
            clicks=self.clicks[cell],
            bot_clicks=self.bots[cell],
            unattributed=self.unattributed[cell],
        )


async def led(rows: KpiRepository, asked: KpiQuery, subjects: Mapping[UUID, str], nowhere: str | None) -> Led:
    """Read clicks and conversions; what hangs on no channel counts for `nowhere`."""
    found = Led()
    for row in await rows.clicks(asked.period, asked.channel_ids):
        cell = subjects[row.channel_id] if row.channel_id else nowhere, row.bucket
        found.clicks[cell] += row.people
        found.bots[cell] += row.bots
    for row in await rows.conversions(asked.period, asked.channel_ids):
        cell = subjects[row.channel_id] if row.channel_id else nowhere, row.bucket
        found.conversions[cell] += row.attributed
        found.unattributed[cell] += row.unattributed
    return found


@dataclass(slots=True)
class Answers:
    """How fast people were answered, per subject and bucket."""

    medians: dict[SubjectCell, tuple[float, int]] = field(default_factory=dict)
    waiting: dict[SubjectCell, int] = field(default_factory=dict)

    def figure(self, cell: SubjectCell) -> Figure:
        median, answered = self.medians.get(cell, (None, 0))
        return kpis.response_time(
            median_seconds=median, answered=answered, unanswered=self.waiting.get(cell, 0)
        )


async def answers(rows: KpiRepository, asked: KpiQuery) -> Answers:
    """Read response times, grouped as they are shown."""
    given = asked.period, asked.channel_ids, asked.by
    return Answers(
        medians={
            (row.subject, row.bucket): (row.median, row.answered) for row in await rows.responses(*given)
        },
        waiting={(row.subject, row.bucket): row.unanswered for row in await rows.unanswered(*given)},
    )
