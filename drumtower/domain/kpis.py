"""The formulas of the key figures. Unknown is None, never 0, and says why."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from drumtower.domain.figures import ChannelNumbers, Figure, Missing, Reason, add
from drumtower.domain.kpi_dictionary import Kpi
from drumtower.domain.samples import ENGAGEMENTS, Metric


def gained(metric: Metric, channels: Sequence[ChannelNumbers]) -> Figure:
    """Add up what the posts gained of one metric, over the channels that know it."""
    known = [channel for channel in channels if metric in channel.gains]
    missing = _missing(channels, known, metric)
    value = sum(channel.gains[metric] for channel in known) if known else None
    return Figure(
        value=value,
        inputs={metric.value: value},
        missing=missing,
        reason=_why(channels, known, missing),
        sampled=_sampled(known),
    )


def engagements(channels: Sequence[ChannelNumbers]) -> Figure:
    """Add up likes, comments, shares and saves, as far as each platform gives them."""
    acted = [(channel, channel.engagements) for channel in channels]
    known = [channel for channel, number in acted if number is not None]
    missing = _missing(channels, known, *ENGAGEMENTS)
    value = add(number for _, number in acted)
    return Figure(
        value=value,
        inputs={"engagements": value},
        missing=missing,
        reason=_why(channels, known, missing),
        sampled=_sampled(known),
        metrics=_metrics(known),
    )


def engagement_rate(channels: Sequence[ChannelNumbers]) -> Figure:
    """Divide engagements by exposure; by followers where no channel's exposure is known. Never both in one ratio."""
    exposed = [channel for channel in channels if Metric.EXPOSURE in channel.gains]
    blind = [channel for channel in channels if Metric.EXPOSURE not in channel.gains]
    if not exposed:
        return _by_followers(channels)
    reached = sum(channel.gains[Metric.EXPOSURE] for channel in exposed)
    acted = add(channel.exposed_engagements for channel in exposed)
    missing = tuple(Missing(channel_id=channel.channel_id, reason=_unexposed(channel)) for channel in blind)
    return Figure(
        value=acted / reached if acted is not None and reached > 0 else None,
        inputs={"engagements": acted, "exposure": reached},
        denominator="exposure",
        formula="engagements / exposure",
        missing=missing,
        reason=_ratio_reason(acted, reached),
        sampled=_sampled(exposed),
        metrics=_metrics(exposed),
    )


def _by_followers(channels: Sequence[ChannelNumbers]) -> Figure:
    acting = [channel for channel in channels if channel.engagements is not None]
    known = [channel for channel in acting if channel.followers is not None]
    missing = _missing(channels, acting, *ENGAGEMENTS) + tuple(
        Missing(channel_id=channel.channel_id, reason=Reason.FOLLOWERS_UNKNOWN)
        for channel in acting
        if channel.followers is None
    )
    acted = add(channel.engagements for channel in known)
    followers = add(channel.followers.total for channel in known if channel.followers)
    reason = _why(channels, known, missing) if not known else _ratio_reason(acted, followers or 0)
    return Figure(
        value=acted / followers if acted is not None and followers and followers > 0 else None,
        inputs={"engagements": acted, "followers": followers},
        denominator="followers",
        formula="engagements / followers",
        missing=missing,
        reason=reason,
        sampled=_sampled(known),
        metrics=_metrics(known),
    )


def follower_growth(channels: Sequence[ChannelNumbers]) -> Figure:
    """Add up what the period added to followers, with the base it grew from and the rate."""
    known = [
        (channel, channel.followers)
        for channel in channels
        if channel.followers and channel.followers.growth is not None
    ]
    counted = [channel for channel, _ in known]
    unknown = _missing(channels, counted, Metric.FOLLOWERS)
    late = tuple(
        Missing(channel_id=channel.channel_id, reason=Reason.FIRST_MEASURED)
        for channel, followers in known
        if followers.first
    )
    growth = add(followers.growth for _, followers in known)
    at_end = add(followers.total for _, followers in known)
    base = at_end - growth if at_end is not None and growth is not None else None
    return Figure(
        value=growth,
        inputs={
            "followers": at_end,
            "base": base,
            "rate": growth / base if growth is not None and base else None,
        },
        missing=unknown + late,
        reason=_why(channels, counted, unknown),
        sampled=tuple(followers.sampled_at for _, followers in known),
    )


def conversion_rate(*, conversions: int, clicks: int, bot_clicks: int, unattributed: int) -> Figure:
    """Divide conversions that a tracked link led to by the clicks of people; unattributed ones are only shown."""
    return Figure(
        value=conversions / clicks if clicks else None,
        inputs={
            "conversions": conversions,
            "clicks": clicks,
            "bot_clicks": bot_clicks,
            "unattributed_conversions": unattributed,
        },
        denominator="clicks",
        reason=None if clicks else Reason.NO_CLICKS,
    )


def response_time(*, median_seconds: float | None, answered: int, unanswered: int) -> Figure:
    """Give the median time to the first answer, in seconds."""
    return Figure(
        value=median_seconds,
        inputs={"answered": answered, "unanswered": unanswered},
        reason=None if answered else Reason.NOTHING_ANSWERED,
    )


def of_posts(kpi: Kpi, channels: Sequence[ChannelNumbers]) -> Figure:
    """Compute one of the figures that samples answer."""
    match kpi:
        case Kpi.ENGAGEMENTS:
            return engagements(channels)
        case Kpi.ENGAGEMENT_RATE:
            return engagement_rate(channels)
        case Kpi.FOLLOWER_GROWTH:
            return follower_growth(channels)
        case _:
            return gained(Metric(kpi.value), channels)


def _missing(
    channels: Sequence[ChannelNumbers], known: Sequence[ChannelNumbers], *metrics: Metric
) -> tuple[Missing, ...]:
    if len(known) == len(channels):
        return ()
    counted = {channel.channel_id for channel in known}
    return tuple(
        Missing(channel_id=channel.channel_id, reason=channel.lack(*metrics))
        for channel in channels
        if channel.channel_id not in counted
    )


def _unexposed(channel: ChannelNumbers) -> Reason:
    return channel.lack(Metric.EXPOSURE) if channel.engagements is None else Reason.EXPOSURE_UNKNOWN


def _why(
    channels: Sequence[ChannelNumbers], known: Sequence[ChannelNumbers], missing: Sequence[Missing]
) -> Reason | None:
    """Name the one reason for a figure without a value: the gravest among its channels."""
    if known:
        return None
    if not channels:
        return Reason.NO_CHANNELS
    found = {lack.reason for lack in missing}
    return next(reason for reason in Reason if reason in found)


def _ratio_reason(above: int | None, below: int) -> Reason | None:
    if above is None:
        return Reason.NOT_SAMPLED
    return None if below > 0 else Reason.ZERO_DENOMINATOR


def _sampled(channels: Iterable[ChannelNumbers]) -> tuple[datetime, ...]:
    return tuple(channel.sampled_at for channel in channels if channel.sampled_at is not None)


def _metrics(channels: Iterable[ChannelNumbers]) -> tuple[Metric, ...]:
    known = set().union(*(channel.gains for channel in channels))
    return tuple(metric for metric in ENGAGEMENTS if metric in known)
