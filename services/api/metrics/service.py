"""Answers questions about key figures: gathers the inputs, groups them, and has the domain compute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.repositories.kpis import By, ChannelRow, KpiRepository
from drumtower.domain import kpis
from drumtower.domain.errors import Invalid, Violation
from drumtower.domain.figures import Figure
from drumtower.domain.kpi_dictionary import BY_KPI, Kpi
from drumtower.domain.samples import Metric
from drumtower.platforms.registry import Registry
from services.api.metrics import inputs
from services.api.metrics.query import KpiQuery

# Each is one object of the answer; a client that wants more asks for less at a time.
MOST_FIGURES = 20_000

Subject = str | None

_NAMED = {By.CHANNEL: "channel_id", By.PLATFORM: "platform"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One subject's share: its channels, under the name they are shown by. None: what hangs on no channel."""

    subject: Subject
    channels: tuple[ChannelRow, ...]


async def answer(
    tx: Tx, workspace_id: UUID, asked: KpiQuery, registry: Registry, now: datetime
) -> list[dict[str, Any]]:
    """Return the figures as plain data; the schema is `KpiRead`."""
    rows = KpiRepository(tx, workspace_id)
    channels = await rows.channels(asked.channel_ids)
    _check_channels(asked, channels)
    groups = _groups(asked.by, channels)
    cuts = inputs.buckets(asked.period)
    if len(groups) * len(cuts) * len(asked.kpis) > MOST_FIGURES:
        raise Invalid.at(
            "?group_by",
            "too_many_figures",
            f"These are over {MOST_FIGURES} figures.",
            "Ask for a shorter period, fewer channels or fewer figures.",
        )
    figures = _Figures(rows=rows, asked=asked, groups=groups, cuts=cuts, registry=registry)
    await figures.read(channels)
    return [_shown(kpi, group, figure, now) for kpi, group, figure in figures.all()]


def _check_channels(asked: KpiQuery, channels: Sequence[ChannelRow]) -> None:
    known = {channel.id for channel in channels}
    unknown = [channel_id for channel_id in asked.channel_ids or () if channel_id not in known]
    if unknown:
        raise Invalid.of(
            [
                Violation(pointer="?channel_id", code="unknown_channel", detail=f"There is no channel {one}.")
                for one in unknown
            ]
        )


def _groups(by: By, channels: Sequence[ChannelRow]) -> list[Group]:
    if by is By.TOTAL:
        return [Group(subject="total", channels=tuple(channels))]
    named: dict[str, list[ChannelRow]] = {}
    for channel in channels:
        named.setdefault(_subject(by, channel), []).append(channel)
    return [Group(subject=subject, channels=tuple(some)) for subject, some in named.items()]


def _subject(by: By, channel: ChannelRow) -> str:
    match by:
        case By.TOTAL:
            return "total"
        case By.CHANNEL:
            return str(channel.id)
        case By.PLATFORM:
            return channel.platform


@dataclass(slots=True, kw_only=True)
class _Figures:
    """Reads each kind of input once, however many figures need it."""

    rows: KpiRepository
    asked: KpiQuery
    groups: Sequence[Group]
    cuts: Sequence[date | None]
    registry: Registry
    numbers: inputs.Numbers | None = None
    led: inputs.Led | None = None
    answers: inputs.Answers | None = None

    async def read(self, channels: Sequence[ChannelRow]) -> None:
        wanted = set(self.asked.kpis)
        if wanted & inputs.SAMPLED:
            self.numbers = await inputs.numbers(self.rows, self.asked, channels, self.registry)
        if Kpi.CONVERSION_RATE in wanted:
            subjects = {channel.id: _subject(self.asked.by, channel) for channel in channels}
            everywhere = "total" if self.asked.by is By.TOTAL else None
            self.led = await inputs.led(self.rows, self.asked, subjects, everywhere)
        if Kpi.RESPONSE_TIME in wanted:
            self.answers = await inputs.answers(self.rows, self.asked)

    def all(self) -> Iterator[tuple[Kpi, dict[str, str | None], Figure]]:
        """Compute every figure, under the names its group is shown by."""
        period, by = self.asked.period, self.asked.by
        cuts = [
            (bucket, {period.bucket.value: bucket.isoformat()} if period.bucket and bucket else {})
            for bucket in self.cuts
        ]
        for kpi in self.asked.kpis:
            for group in self._groups(kpi):
                named = {_NAMED[by]: group.subject} if by in _NAMED else {}
                for bucket, cut in cuts:
                    yield kpi, {**named, **cut}, self._figure(kpi, group, bucket)

    def _groups(self, kpi: Kpi) -> Sequence[Group]:
        """Links may hang on no channel; where channels are kept apart, those come last, under null."""
        if kpi is Kpi.CONVERSION_RATE and self.led is not None and self.led.has_nowhere:
            return [*self.groups, Group(subject=None, channels=())]
        return self.groups

    def _figure(self, kpi: Kpi, group: Group, bucket: date | None) -> Figure:
        cell = group.subject, bucket
        if kpi is Kpi.CONVERSION_RATE:
            assert self.led is not None
            return self.led.figure(cell)
        if kpi is Kpi.RESPONSE_TIME:
            assert self.answers is not None
            return self.answers.figure(cell)
        assert self.numbers is not None
        return kpis.of_posts(kpi, [self.numbers.of(channel.id, bucket) for channel in group.channels])


# Enum members are slow to dump; these are the plain words for them.
_WORDS = {kpi: (kpi.value, BY_KPI[kpi].unit.value) for kpi in Kpi}


@cache
def _names(metrics: tuple[Metric, ...]) -> list[str]:
    return [metric.value for metric in metrics]


def _shown(kpi: Kpi, group: dict[str, str | None], figure: Figure, now: datetime) -> dict[str, Any]:
    word, unit = _WORDS[kpi]
    sampled = figure.sampled if kpi in inputs.SAMPLED else (now,)
    return {
        "metric": word,
        "group": group,
        "value": figure.value,
        "unit": unit,
        "basis": {
            "formula": figure.formula or BY_KPI[kpi].formula,
            "denominator": figure.denominator,
            **figure.inputs,
            "complete": figure.complete,
            "missing": [{"channel_id": lack.channel_id, "reason": lack.reason} for lack in figure.missing],
            "reason": figure.reason,
            "engagement_metrics": _names(figure.metrics),
        },
        "freshness": {"oldest": min(sampled), "newest": max(sampled)} if sampled else None,
    }
