"""Settles an unknown outcome by looking: our own newest posts, and whether one of them is it."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Generic, TypeVar

from drumtower.domain.failures import OutcomeUnknown
from drumtower.platforms.errors import PlatformError
from drumtower.platforms.outcomes import Absent, Finding, Published, Undecidable

Row = TypeVar("Row")
# The two clocks may differ, and platforms date in whole seconds.
SLACK = timedelta(minutes=2)
# A link ends at the first character outside ASCII; punctuation at its end belongs to the sentence.
LINK = re.compile(r"https?://[!-~]*[A-Za-z0-9/_=&%#~+$@*-]")
_ALIKE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent(Generic[Row]):
    """What was written since a moment; `whole`: the list reaches back to it, so what is not there is absent."""

    rows: list[Row]
    whole: bool

    def settle(self, ours: Published | None, shallow: str) -> Finding:
        """Return ours, or what its absence from the list proves; `shallow` says why it may prove nothing."""
        if ours is not None:
            return ours
        return Absent() if self.whole else Undecidable(reason=shallow)


def recent(
    listed: Sequence[Row], since: datetime, written_at: Callable[[Row], datetime], total: int | None = None
) -> Recent[Row]:
    """Keep what was written since, less some slack. `total`: how many there are in all, where the platform says."""
    rows = [row for row in listed if written_at(row) >= since - SLACK]
    return Recent(rows=rows, whole=len(rows) < len(listed) or (total is not None and len(listed) >= total))


def bare(text: str) -> str:
    """The text without links, hashtag signs and white space, which platforms rewrite."""
    return "".join(LINK.sub("", text).replace("#", "").split())


def alike(one: str, other: str) -> bool:
    """Say whether a platform may have made one text of the other: equality would miss our own."""
    return SequenceMatcher(None, bare(one), bare(other), autojunk=False).ratio() >= _ALIKE


async def ours(looking: Awaitable[Finding], refused: PlatformError) -> Published:
    """Decide what "you sent this already" means: our own lost attempt, somebody else's text, or nobody knows."""
    code = refused.failure.platform_code
    try:
        found = await looking
    except PlatformError as error:
        detail = "The platform calls it a repeat; whether it is our own could not be looked up."
        raise PlatformError(OutcomeUnknown(detail=detail, platform_code=code)) from error
    if isinstance(found, Published):
        return found
    if isinstance(found, Absent):
        raise refused
    detail = "The platform calls it a repeat; it may be our own."
    raise PlatformError(OutcomeUnknown(detail=detail, platform_code=code))
