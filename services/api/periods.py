"""Periods that are asked for: two days, both included."""

from collections.abc import Iterator
from datetime import date, timedelta

from drumtower.domain.errors import Violation

LONGEST = 366


def violations(first: date, last: date) -> Iterator[Violation]:
    """Say what is wrong with a period of the query's `from` and `to`."""
    if first > last:
        detail = f"{first} is after {last}."
        yield Violation(pointer="?from", code="from_after_to", detail=detail, hint="Exchange them.")
    elif last - first >= timedelta(days=LONGEST):
        detail = f"The period is over {LONGEST} days long."
        yield Violation(pointer="?to", code="span_too_long", detail=detail, hint="Ask for less at a time.")
    elif first.year < 2000 or last.year > 2200:
        detail = "No figures are that far away."
        yield Violation(pointer="?from", code="date_out_of_range", detail=detail)
