"""What a preparation put on a platform: how long it is good for, and how it is taken away when nobody wants it."""

from datetime import datetime, timedelta

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
# The last try comes about ten days after the first: what is left then is the account owner's to remove.
MAX_TRIES = 45
# A channel that is not connected is not used, not even for this.
DISCONNECTED_WAIT = timedelta(hours=1)


def is_stale(prepared_at: datetime | None, prepared_for: timedelta | None, at: datetime) -> bool:
    """Say whether what was prepared since `prepared_at` is no longer there to rely on at `at`."""
    return prepared_at is not None and prepared_for is not None and prepared_at + prepared_for <= at


def next_try(tries: int, now: datetime) -> datetime | None:
    """Return when to try again after `tries` that failed to clean up; None: give up."""
    if tries >= MAX_TRIES:
        return None
    return now + min(LONGEST_WAIT, FIRST_WAIT * (1 << min(tries - 1, 20)))
