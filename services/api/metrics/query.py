"""What figures are asked for: read from the query, every violation at once."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query

from drumtower.db.repositories.kpis import Bucket, By, Period
from drumtower.domain.errors import Invalid, Violation
from drumtower.domain.kpi_dictionary import MAIN, Kpi
from services.api import periods

# A week is named after its Monday, a month after its first day.
_GROUPS = ", ".join([*By, *Bucket])


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiQuery:
    """A sound question."""

    kpis: tuple[Kpi, ...]
    period: Period
    by: By
    channel_ids: tuple[UUID, ...] | None


MetricsParameter = Annotated[
    str | None,
    Query(max_length=500, description=f"Comma-separated: {', '.join(Kpi)}. The main ones where absent."),
]
FromParameter = Annotated[date, Query(alias="from", description="First day, in the workspace's zone.")]
ToParameter = Annotated[date, Query(alias="to", description="Last day, included.")]
GroupParameter = Annotated[
    str, Query(max_length=100, description=f"One of {_GROUPS}; or one of each kind: `channel,day`.")
]
ChannelsParameter = Annotated[
    list[UUID] | None, Query(alias="channel_id", max_length=200, description="Only these channels.")
]


def read(
    *,
    metrics: str | None,
    first: date,
    last: date,
    group_by: str,
    channel_ids: list[UUID] | None,
    timezone: str,
) -> KpiQuery:
    """Return the question; raise Invalid with everything that is wrong with it."""
    violations: list[Violation] = []
    kpis = _kpis(metrics, violations)
    by, bucket = _groups(group_by, violations)
    violations += periods.violations(first, last)
    if violations:
        raise Invalid.of(violations)
    return KpiQuery(
        kpis=kpis,
        period=Period(first=first, last=last, zone=ZoneInfo(timezone), bucket=bucket),
        by=by,
        channel_ids=tuple(dict.fromkeys(channel_ids)) if channel_ids else None,
    )


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word.strip() for word in text.split(",")))


def _kpis(metrics: str | None, violations: list[Violation]) -> tuple[Kpi, ...]:
    if metrics is None:
        return MAIN
    words = _words(metrics)
    violations += [
        Violation(
            pointer="?metrics",
            code="unknown_metric",
            detail=f"There is no key figure {word!r}.",
            hint=f"Known: {', '.join(Kpi)}.",
        )
        for word in words
        if word not in set(Kpi)
    ]
    return tuple(Kpi(word) for word in words if word in set(Kpi))


def _groups(group_by: str, violations: list[Violation]) -> tuple[By, Bucket | None]:
    words = _words(group_by)
    subjects = [By(word) for word in words if word in set(By)]
    buckets = [Bucket(word) for word in words if word in set(Bucket)]
    if len(subjects) + len(buckets) < len(words) or len(subjects) > 1 or len(buckets) > 1:
        violations.append(
            Violation(
                pointer="?group_by",
                code="group_by_invalid",
                detail=f"Figures can't be grouped by {group_by!r}.",
                hint=f"One of {', '.join(By)}, one of {', '.join(Bucket)}, or one of each: channel,day.",
            )
        )
        return By.TOTAL, None
    return subjects[0] if subjects else By.TOTAL, buckets[0] if buckets else None
