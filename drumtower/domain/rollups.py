"""Daily totals and what each day added to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A metric at the end of a day, and when it was read.

    `opening` is what the day counts from where no earlier one is known: 0 for a post, which starts at nothing; a
    channel's first reading ever for its own numbers.
    """

    value: int
    sampled_at: datetime
    opening: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A rollup's numbers: the total at the day's end, and what the day added."""

    total: Total
    gain: int


def gains(changed: Mapping[date, Total], known: Mapping[date, Total]) -> dict[date, Day]:
    """Return the days to write: the changed ones, and each next known day, whose base has changed.

    A day's gain is its total less that of the last known day before it. `known` needs to hold the neighbours of the
    changed days only.
    """
    totals = {**known, **changed}
    days = sorted(totals)
    written = {}
    for before, day in zip([None, *days], days, strict=False):
        if day not in changed and before not in changed:
            continue
        total = totals[day]
        base = totals[before].value if before else total.opening
        written[day] = Day(total=total, gain=total.value - base)
    return written
