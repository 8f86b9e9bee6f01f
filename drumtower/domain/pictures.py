"""Whether two pictures are the same to the eye: difference hashes, 64 bits, that survive another size and another codec.

A bit says whether one of 8 by 8 places is brighter than its neighbour to the right. What was measured, and what such a
hash does not see (a mirrored picture, a turned one, a strong crop): docs/decisions/0085.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from drumtower.domain.errors import Evidence, Severity, Violation

SIDE = 8
BITS = SIDE * SIDE
# A flat picture has no differences, and one that only fades has nothing else: they are like all of their kind.
FEWEST_BITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A post that shows a picture; `used_at`: when it last went out, or is to."""

    post_id: UUID
    title: str
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalike:
    """Another file that shows what `of` shows, but for `distance` bits; `uses`: by other posts than the one asked about."""

    of: UUID
    asset_id: UUID
    file_name: str
    distance: int
    uses: tuple[Use, ...]


def difference_hash(grey: Sequence[int]) -> int:
    """Return the hash, as a signed number, of a picture shrunk to 9 by 8 shades, row by row."""
    bits = 0
    for row in range(SIDE):
        shades = grey[row * (SIDE + 1) : (row + 1) * (SIDE + 1)]
        for left, right in pairwise(shades):
            bits = bits << 1 | (left > right)
    return bits - (1 << BITS) if bits >> (BITS - 1) else bits


def distance(one: int, other: int) -> int:
    """Return in how many bits two hashes differ."""
    return ((one ^ other) & ((1 << BITS) - 1)).bit_count()


def is_telling(its_hash: int) -> bool:
    """Say whether a picture has enough in it to be told from others."""
    return FEWEST_BITS <= distance(its_hash, 0) <= BITS - FEWEST_BITS


def check(
    found: Sequence[Lookalike], asset_ids: Sequence[UUID], at: datetime, rest: timedelta
) -> Iterator[Violation]:
    """Say which pictures another post shows too soon before or after, from another file."""
    for like in found:
        used = [use.used_at for use in like.uses if use.used_at and abs(at - use.used_at) < rest]
        if not used or like.of not in asset_ids:
            continue
        nearest = min(used, key=lambda moment: abs(at - moment))
        yield Violation(
            pointer=f"/asset_ids/{asset_ids.index(like.of)}",
            code="image_alike",
            detail=f"It shows what “{like.file_name}” shows, which is out or planned for {nearest.isoformat()}.",
            hint=f"Leave {rest.days} days between them, or take another picture.",
            severity=Severity.WARN,
            evidence=Evidence(quote=str(like.asset_id)),
        )
