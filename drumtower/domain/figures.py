"""What a key figure is made of and what it says: inputs per channel, the value, and why something is missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from drumtower.domain.samples import ENGAGEMENTS, Metric


class Reason(StrEnum):
    """Why a figure lacks a channel, or has no value at all."""

    NOT_GIVEN = "not_given_by_platform"
    NOT_SAMPLED = "not_sampled"
    NOTHING_PUBLISHED = "nothing_published"
    EXPOSURE_UNKNOWN = "exposure_unknown"
    FOLLOWERS_UNKNOWN = "followers_unknown"
    FIRST_MEASURED = "first_measured_in_period"
    ZERO_DENOMINATOR = "zero_denominator"
    NO_CHANNELS = "no_channels"
    NO_CLICKS = "no_clicks"
    NOTHING_ANSWERED = "nothing_answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A channel that a figure could not count, and why."""

    channel_id: UUID
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Followers:
    """A channel's followers in a period: what the period added (None: not measured in it), and the last known number.

    `first`: the first measurement ever lies in the period, so that growth before it is not known.
    """

    growth: int | None
    total: int
    sampled_at: datetime
    first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelNumbers:
    """What is known of one channel in a period. A metric that is absent from `gains` is unknown.

    `exposed_engagements` counts those posts only whose exposure is known; `gives` is what the platform can tell.
    """

    channel_id: UUID
    gains: Mapping[Metric, int] = field(default_factory=dict)
    exposed_engagements: int | None = None
    followers: Followers | None = None
    gives: frozenset[Metric] = frozenset()
    has_posts: bool = True
    sampled_at: datetime | None = None

    @property
    def engagements(self) -> int | None:
        """What the known engagement metrics add up to; None where none is known."""
        return total(self.gains, ENGAGEMENTS)

    def lack(self, *metrics: Metric) -> Reason:
        """Say why none of `metrics` is known here."""
        if not self.gives.intersection(metrics):
            return Reason.NOT_GIVEN
        posts = any(metric is not Metric.FOLLOWERS for metric in metrics)
        return Reason.NOTHING_PUBLISHED if posts and not self.has_posts else Reason.NOT_SAMPLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value and how it came about. `reason` says why there is no value; `freshness` is made of `sampled`."""

    value: float | int | None
    inputs: Mapping[str, float | int | None]
    denominator: str | None = None
    formula: str | None = None  # where it is not simply the dictionary's
    missing: tuple[Missing, ...] = ()
    reason: Reason | None = None
    sampled: tuple[datetime, ...] = ()
    metrics: tuple[Metric, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether there is a value and no channel with posts lacks in it."""
        return self.value is not None and all(m.reason is Reason.NOTHING_PUBLISHED for m in self.missing)


def total(gains: Mapping[Metric, int], metrics: Iterable[Metric]) -> int | None:
    """Add up those of `metrics` that are known; None where none is."""
    known = [gains[metric] for metric in metrics if metric in gains]
    return sum(known) if known else None


def add(numbers: Iterable[int | None]) -> int | None:
    """Add up what is known; None where nothing is, for an empty sum is no 0."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
