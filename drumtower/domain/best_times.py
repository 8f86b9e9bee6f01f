"""The best hours to publish on a channel: what its own posts brought, shrunk towards what its platform is like.

A pure function of the results: no model that is trained, nothing that differs from one call to the next.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import fmean
from zoneinfo import ZoneInfo

from drumtower.domain.capabilities import Label
from drumtower.domain.slots import Weekday

HOURS = 24
# The prior weighs as much as this many posts in the same hour: with 8 of its own, an hour counts half by them.
PRIOR_POSTS = 8
# One post that went round the world says little about its hour.
HIGHEST_RATIO = 5.0
# Half the width of an 80 % interval of a mean, in standard errors.
WIDTH = 1.28
# The spread of single posts around their channel's mean, where the channel has too few to tell its own.
USUAL_SPREAD = 0.8
FEWEST_FOR_SPREAD = 5

# Rules of thumb, not measurements: when the people of such a platform look at it. A weight per hour of a working day,
# and one of a weekend's. DAMPING keeps them from outweighing what the channel has measured.
DAMPING = 0.4
_LEISURE = (
    (2, 1, 1, 1, 1, 2, 4, 7, 8, 7, 7, 7, 9, 9, 7, 7, 7, 8, 9, 10, 12, 12, 10, 5),
    (3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 9, 9, 9, 9, 9, 9, 11, 12, 12, 10, 6),
)
_WORK = (
    (1, 1, 1, 1, 1, 2, 4, 9, 11, 11, 10, 9, 10, 9, 8, 8, 8, 8, 6, 4, 4, 3, 2, 1),
    (1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 1),
)
_BY_PLATFORM = {"linkedin": _WORK, "discourse": _WORK, "email": _WORK, "wordpress": _WORK, "wecom": _WORK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one published post brought: engagements within the same span of time for all."""

    published_at: datetime
    engagements: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BestTime:
    """One hour of the week. `lift`, `low` and `high` are shares of the channel's mean: 0.2 is a fifth above it."""

    weekday: Weekday
    hour: int
    lift: float
    low: float
    high: float
    posts: int  # the channel's own in this hour
    reason: Label


def rank(results: Iterable[Result], platform: str, zone: ZoneInfo) -> list[BestTime]:
    """Return all 168 hours of the zone's week, the best first; earlier in the week first among equals."""
    found = list(results)
    by_cell = _ratios(found, zone)
    spread = _spread([ratio for ratios in by_cell.values() for ratio in ratios])
    cells = [
        _cell(
            weekday,
            hour,
            by_cell.get((weekday, hour), []),
            prior(platform, weekday, hour),
            spread,
            len(found),
        )
        for weekday in Weekday
        for hour in range(HOURS)
    ]
    return sorted(cells, key=lambda cell: -cell.lift)  # stable: the order of the week decides


def prior(platform: str, weekday: Weekday, hour: int) -> float:
    """Return the platform's own shape: 1 is its mean hour."""
    working, weekend = _BY_PLATFORM.get(platform, _LEISURE)
    mean = (5 * sum(working) + 2 * sum(weekend)) / (7 * HOURS)
    weight = (weekend if weekday in (Weekday.SAT, Weekday.SUN) else working)[hour]
    return 1 + DAMPING * (weight / mean - 1)


def _ratios(results: list[Result], zone: ZoneInfo) -> dict[tuple[Weekday, int], list[float]]:
    """Return by cell what each post brought as a share of the channel's mean."""
    mean = fmean(result.engagements for result in results) if results else 0.0
    cells: dict[tuple[Weekday, int], list[float]] = {}
    for result in results:
        local = result.published_at.astimezone(zone)
        ratio = min(result.engagements / mean, HIGHEST_RATIO) if mean else 1.0
        cells.setdefault((Weekday.of(local), local.hour), []).append(ratio)
    return cells


def _spread(ratios: list[float]) -> float:
    if len(ratios) < FEWEST_FOR_SPREAD:
        return USUAL_SPREAD
    mean = fmean(ratios)
    return sqrt(sum((ratio - mean) ** 2 for ratio in ratios) / (len(ratios) - 1))


def _cell(
    weekday: Weekday, hour: int, ratios: list[float], expected: float, spread: float, posts: int
) -> BestTime:
    weight = len(ratios) + PRIOR_POSTS
    lift = (sum(ratios) + PRIOR_POSTS * expected) / weight - 1
    error = WIDTH * spread / sqrt(weight)
    return BestTime(
        weekday=weekday,
        hour=hour,
        lift=round(lift, 3),
        low=round(lift - error, 3),
        high=round(lift + error, 3),
        posts=len(ratios),
        reason=_reason(ratios, expected, posts),
    )


def _reason(ratios: list[float], expected: float, posts: int) -> Label:
    if not posts:
        return Label(
            zh_cn=f"本账号还没有可用的数据，仅按平台的一般规律估计（{expected - 1:+.0%}），并非实测。",
            en=f"No results of this channel yet: the platform's usual shape only ({expected - 1:+.0%}), a rule of thumb.",
        )
    if not ratios:
        return Label(
            zh_cn=f"本账号已有 {posts} 篇数据，但没有在这个时段发布过，仅按平台的一般规律估计（{expected - 1:+.0%}）。",
            en=f"None of the channel's {posts} posts left in this hour: the platform's usual shape only "
            f"({expected - 1:+.0%}).",
        )
    own, weight = fmean(ratios) - 1, len(ratios) / (len(ratios) + PRIOR_POSTS)
    return Label(
        zh_cn=f"本账号在这个时段发布过 {len(ratios)} 篇，比平均 {own:+.0%}；样本权重 {weight:.0%}，"
        f"其余按平台的一般规律（{expected - 1:+.0%}）。",
        en=f"{len(ratios)} of the channel's posts left in this hour, {own:+.0%} against its mean; they weigh "
        f"{weight:.0%}, the platform's usual shape ({expected - 1:+.0%}) the rest.",
    )


def choose(
    ranked: list[BestTime], zone: ZoneInfo, now: datetime, within: timedelta, taken: Collection[datetime]
) -> tuple[datetime, BestTime] | None:
    """Return the best coming hour in which nothing else is to be published; the earlier one among equals."""
    by_cell = {(cell.weekday, cell.hour): cell for cell in ranked}
    busy = {_hour(at.astimezone(zone)) for at in taken}
    free = [
        (at, by_cell[Weekday.of(local), local.hour])
        for at, local in _coming(zone, now, within)
        if _hour(local) not in busy
    ]
    return max(free, key=lambda one: one[1].lift, default=None)


def _coming(zone: ZoneInfo, now: datetime, within: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Return each full hour from now on, as an instant and as the clock on the wall shows it."""
    at = _hour(now.astimezone(zone)).astimezone(UTC)
    for _ in range(int(within / timedelta(hours=1))):
        at += timedelta(hours=1)
        yield at, at.astimezone(zone)


def _hour(local: datetime) -> datetime:
    return local.replace(minute=0, second=0, microsecond=0)
