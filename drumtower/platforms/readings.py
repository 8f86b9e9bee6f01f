"""Statistics as the platform gave them, and lists cut to what one call may ask for."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from drumtower.domain.samples import Metric
from drumtower.platforms.outcomes import Reading

Item = TypeVar("Item")


def reading(given: Mapping[Metric, int | None]) -> Reading:
    """Make a reading of now; a number that is None was not given, which is not 0."""
    values = {metric: value for metric, value in given.items() if value is not None}
    return Reading(values=values, as_of=datetime.now(UTC))


def batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Cut a list to what one call may ask for."""
    return (items[start : start + size] for start in range(0, len(items), size))
