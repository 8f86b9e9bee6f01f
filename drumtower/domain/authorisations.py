"""When a channel's authorisation runs out, and how long ahead people are told: a week, and a day."""

from datetime import datetime, timedelta

# Days ahead, the first warning first.
AHEAD = (7, 1)


def days_ahead(authorise_by: datetime | None, now: datetime) -> int | None:
    """Return which warning stands: 7 or 1 days ahead (1 also once it is over); None: nobody needs to come yet."""
    if authorise_by is None:
        return None
    reached = (days for days in reversed(AHEAD) if authorise_by - now <= timedelta(days=days))
    return next(reached, None)


def again(authorise_by: datetime | None, now: datetime) -> str | None:
    """Return what the channel's health says; None while there is nothing to do."""
    if authorise_by is None or days_ahead(authorise_by, now) is None:
        return None
    return f"Authorise again by {authorise_by:%Y-%m-%d %H:%M} UTC."
