"""The ad share: how many of a channel's posts are promotional, published and planned, in two windows at once."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from drumtower.domain.capabilities import Label
from drumtower.domain.content import Nature
from drumtower.domain.errors import Severity, Violation

ROLLING = timedelta(days=30)


class WindowKind(StrEnum):
    """Over what it is counted."""

    ROLLING_30_DAYS = "rolling_30_days"  # the 30 days that end with the moment asked about
    CALENDAR_MONTH = "calendar_month"  # the month around it, in the workspace's zone


class ShareVerdict(StrEnum):
    """What is to be said of a share."""

    EMPTY = "empty"
    WITHIN = "within"
    SMALL_SAMPLE = "small_sample"  # one promotional post among too few for any to fit
    EXCEEDED = "exceeded"


class OnBreach(StrEnum):
    """What the workspace does with a post that takes the share over its limit."""

    BLOCK = "block"
    OVERRIDE = "override"  # blocked, until a second person gives a reason
    WARN = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From `start` on, up to and with `end`."""

    kind: WindowKind
    start: datetime
    end: datetime

    def holds(self, at: datetime) -> bool:
        return self.start <= at <= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A post on the channel, out or planned."""

    at: datetime
    promotional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What was counted in one window. `limit` is exact: 0.2 is one in five."""

    window: Window
    promotional: int
    total: int
    limit: Fraction

    @property
    def value(self) -> Fraction | None:
        """The share itself; None where nothing is counted, which is not 0."""
        return Fraction(self.promotional, self.total) if self.total else None

    @property
    def verdict(self) -> ShareVerdict:
        if self.value is None:
            return ShareVerdict.EMPTY
        if self.value <= self.limit:
            return ShareVerdict.WITHIN
        # One in fewer than five is over 20 % whatever one does: it is explained, and the second is refused.
        if self.promotional == 1 and self.total * self.limit < 1:
            return ShareVerdict.SMALL_SAMPLE
        return ShareVerdict.EXCEEDED

    @property
    def room(self) -> int:
        """How many promotional posts fit besides; each of them is a post too."""
        if self.limit == 1:
            return self.total
        return max(0, math.floor((self.limit * self.total - self.promotional) / (1 - self.limit)))

    @property
    def needed(self) -> int | None:
        """How many other posts bring it within its limit; None where none can (a limit of 0)."""
        if self.limit == 0:
            return None if self.promotional else 0
        return max(0, math.ceil(self.promotional / self.limit) - self.total)

    def adding(self, promotional: int, others: int = 0) -> "Share":
        """Return the share with so many more posts."""
        return replace(
            self, promotional=self.promotional + promotional, total=self.total + promotional + others
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdShare:
    """What a promotional post would make of its channel's shares, this post included."""

    shares: tuple[Share, ...]
    on_breach: OnBreach
    overridden: bool = False


def limit_of(percent: float) -> Fraction:
    """Read a limit in percent, exactly as it was written."""
    return Fraction(str(percent)) / 100


def windows(at: datetime, zone: ZoneInfo) -> tuple[Window, Window]:
    """Return both windows around `at`."""
    local = at.astimezone(zone)
    first = datetime.combine(local.date().replace(day=1), time(), zone)
    following = (first.date() + timedelta(days=32)).replace(day=1)
    last = datetime.combine(following, time(), zone) - timedelta(microseconds=1)
    return (
        Window(kind=WindowKind.ROLLING_30_DAYS, start=at - ROLLING, end=at),
        Window(
            kind=WindowKind.CALENDAR_MONTH, start=first.astimezone(at.tzinfo), end=last.astimezone(at.tzinfo)
        ),
    )


def count(window: Window, items: Iterable[Item], limit: Fraction) -> Share:
    """Count one window."""
    inside = [item for item in items if window.holds(item.at)]
    ads = sum(item.promotional for item in inside)
    return Share(window=window, promotional=ads, total=len(inside), limit=limit)


def shares(at: datetime, zone: ZoneInfo, items: Sequence[Item], limit: Fraction) -> tuple[Share, ...]:
    """Count both windows around `at`."""
    return tuple(count(window, items, limit) for window in windows(at, zone))


def check(nature: Nature, found: AdShare | None) -> Iterator[Violation]:
    """Say what a promotional post breaks; others only ever help."""
    if found is None or nature is not Nature.PROMOTIONAL:
        return
    for share in found.shares:
        if share.verdict is ShareVerdict.EXCEEDED:
            yield _exceeded(share, found)
        elif share.verdict is ShareVerdict.SMALL_SAMPLE:
            yield Violation(
                pointer="/nature",
                code="ad_share_small_sample",
                detail=explain(share).en,
                hint=f"Plan {share.needed} more posts that sell nothing.",
                severity=Severity.INFO,
            )


def _exceeded(share: Share, found: AdShare) -> Violation:
    strict = found.on_breach is OnBreach.BLOCK
    warns = found.on_breach is OnBreach.WARN or (found.overridden and not strict)
    hint = f"Plan {share.needed} more posts that sell nothing, or move this one."
    if found.on_breach is OnBreach.OVERRIDE and not found.overridden:
        hint += " Or have a second person allow it: POST /v1/ad-share/overrides."
    return Violation(
        pointer="/nature",
        code="ad_share_exceeded",
        detail=explain(share).en,
        hint=hint,
        severity=Severity.WARN if warns else Severity.BLOCK,
    )


_NAMES = {
    WindowKind.ROLLING_30_DAYS: Label(zh_cn="近30天", en="the last 30 days"),
    WindowKind.CALENDAR_MONTH: Label(zh_cn="当月", en="the calendar month"),
}


def explain(share: Share) -> Label:
    """Say in words what was counted, and what follows."""
    name = _NAMES[share.window.kind]
    value = share.value
    if value is None:
        return Label(
            zh_cn=f"{name.zh_cn}没有已发布或已计划的内容。",
            en=f"In {name.en} nothing is published or planned.",
        )
    counted = Label(
        zh_cn=f"{name.zh_cn}共{share.total}条，其中推广{share.promotional}条，占{_percent(value)}，上限{_percent(share.limit)}。",
        en=f"In {name.en}, {share.promotional} of {share.total} posts are promotional: {_percent(value)}, and the limit is"
        f" {_percent(share.limit)}.",
    )
    follows = _follows(share)
    return Label(zh_cn=counted.zh_cn + follows.zh_cn, en=f"{counted.en} {follows.en}")


def _follows(share: Share) -> Label:
    match share.verdict:
        case ShareVerdict.EXCEEDED:
            if share.needed is None:
                return Label(zh_cn="此账号不允许推广内容。", en="The channel takes no promotional posts.")
            return Label(
                zh_cn=f"已超出：再增加{share.needed}条非推广内容即可回到上限以内。",
                en=f"It is over: {share.needed} more posts of another nature bring it back.",
            )
        case ShareVerdict.SMALL_SAMPLE:
            return Label(
                zh_cn=f"内容还少，单条推广就会超过比例，先不拦截；再发{share.needed}条非推广内容后符合上限，在此之前不要再加推广。",
                en=f"With so few posts a single one is over the limit, so it is not stopped; {share.needed} more of another"
                " nature bring it within, and until then no second one fits.",
            )
        case _:
            return Label(
                zh_cn=f"还可以再加{share.room}条推广。" if share.room else "暂时不能再加推广。",
                en=f"{share.room} more promotional posts fit." if share.room else "No further one fits now.",
            )


def _percent(value: Fraction) -> str:
    return f"{float(value * 100):.1f}".removesuffix(".0") + "%"
