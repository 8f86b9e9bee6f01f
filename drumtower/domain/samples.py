"""What is measured, and when: dense while a post is young, sparse when it is old."""

from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum


class Metric(StrEnum):
    """A number a platform gives. A missing one is unknown, never 0."""

    EXPOSURE = "exposure"  # impressions, or readers where the platform counts people
    LIKES = "likes"
    COMMENTS = "comments"
    SHARES = "shares"
    SAVES = "saves"
    FOLLOWERS = "followers"


ENGAGEMENTS = (Metric.LIKES, Metric.COMMENTS, Metric.SHARES, Metric.SAVES)

_PLAN = (
    (timedelta(hours=2), timedelta(minutes=10)),
    (timedelta(hours=24), timedelta(hours=1)),
    (timedelta(days=7), timedelta(hours=6)),
    (timedelta(days=30), timedelta(days=1)),
    (timedelta(days=90), timedelta(days=7)),
)
CHANNEL_INTERVAL = timedelta(days=1)


def next_sample(published_at: datetime, now: datetime, rehearsal: timedelta | None = None) -> datetime | None:
    """Return when a delivery is to be sampled after `now`; None once it is 90 days old.

    `rehearsal` replaces the decaying plan by a fixed interval, so that a demo shows in seconds what takes days.
    """
    if rehearsal is not None:
        return now + rehearsal
    age = now - published_at
    for until, interval in _PLAN:
        if age < until:
            return now + interval
    return None


def sample_day(taken_at: datetime, zone: tzinfo) -> date:
    """Return the day a sample counts for; midnight sharp ends a day, because platforms date a day's numbers to it."""
    return (taken_at.astimezone(zone) - timedelta(microseconds=1)).date()
