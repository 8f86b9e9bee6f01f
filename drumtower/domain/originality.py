"""How much of a text stands in another already, and where: exact, over shingles of the folded texts.

Measured on edited texts (docs/decisions/0061): containment of 3-character shingles from 0.4 on finds a copy with a fifth
of its characters changed, and one shuffled; what says the same in other words it does not find.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumtower.domain.errors import Evidence, Severity, Violation
from drumtower.domain.pictures import Lookalike

SHORT = 25  # below it, 3-character shingles are too few to say anything
SHINGLE = 3
SHORT_SHINGLE = 2
SEED = 8  # equal characters from which a passage is grown
SHORTEST_PASSAGE = 12
MOST_PASSAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Equal text: spans in the text asked about and in its source, of folded characters."""

    start: int
    end: int
    source_start: int
    source_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """A text of ours, or one that was imported, that is like the one asked about. `similarity` is 0 to 1."""

    kind: str  # post | reference
    id: UUID
    title: str
    similarity: float
    used_at: datetime | None  # when a post of ours last went out, or is to


@dataclass(frozen=True, slots=True, kw_only=True)
class Originality:
    """What is like a post, and what the workspace makes of it. `rest`: how long own texts and pictures are left alone."""

    likenesses: tuple[Likeness, ...]
    blocks: bool
    rest: timedelta
    lookalikes: tuple[Lookalike, ...] = ()  # of its pictures


def check(found: Originality | None, at: datetime) -> Iterator[Violation]:
    """Say what was imported and stands in the post, and what of ours is used again too soon."""
    for like in found.likenesses if found else ():
        share = f"{like.similarity:.0%}"
        if like.kind == "reference":
            yield Violation(
                pointer="/body",
                code="text_alike",
                detail=f"{share} of it stands in the reference “{like.title}”.",
                hint="Write it anew; POST /v1/originality/check shows the passages.",
                severity=Severity.BLOCK if found and found.blocks else Severity.WARN,
                evidence=Evidence(quote=str(like.id)),
            )
        elif found and like.used_at is not None and abs(at - like.used_at) < found.rest:
            yield Violation(
                pointer="/body",
                code="reused_too_soon",
                detail=f"{share} of it stands in “{like.title}”, which is out or planned for {like.used_at.isoformat()}.",
                hint=f"Leave {found.rest.days} days between them, or write it anew.",
                severity=Severity.WARN,
                evidence=Evidence(quote=str(like.id)),
            )


def shingles(folded: str, size: int = SHINGLE) -> frozenset[str]:
    """Return the pieces of this size; of a shorter text, the text itself."""
    if len(folded) <= size:
        return frozenset([folded]) if folded else frozenset()
    return frozenset(folded[index : index + size] for index in range(len(folded) - size + 1))


def similarity(folded: str, other: str) -> float:
    """Return how much of the text stands in the other; of short texts, how much they share."""
    if min(len(folded), len(other)) < SHORT:
        ours, theirs = shingles(folded, SHORT_SHINGLE), shingles(other, SHORT_SHINGLE)
        return len(ours & theirs) / len(ours | theirs) if ours and theirs else 0.0
    ours = shingles(folded)
    return len(ours & shingles(other)) / len(ours)


def passages(folded: str, other: str) -> list[Passage]:
    """Return what is equal from `SHORTEST_PASSAGE` characters on, in the order of the text; no two overlap in it."""
    places: dict[str, int] = {}
    for index in range(len(other) - SEED, -1, -1):
        places[other[index : index + SEED]] = index
    found: list[Passage] = []
    at = 0
    while at <= len(folded) - SEED and len(found) < MOST_PASSAGES:
        place = places.get(folded[at : at + SEED])
        length = 0 if place is None else _equal(folded, at, other, place)
        if place is not None and length >= SHORTEST_PASSAGE:
            found.append(Passage(start=at, end=at + length, source_start=place, source_end=place + length))
        at += max(1, length) if length >= SHORTEST_PASSAGE else 1
    return found


def _equal(one: str, at: int, other: str, place: int) -> int:
    length = SEED
    while (
        at + length < len(one) and place + length < len(other) and one[at + length] == other[place + length]
    ):
        length += 1
    return length


def diversity(folded: Sequence[str]) -> float | None:
    """Return how different the versions of one post are: 1 less the mean likeness of each to the nearest; None for one."""
    if len(folded) < 2:
        return None
    nearest = [
        max(similarity(one, other) for number, other in enumerate(folded) if number != index)
        for index, one in enumerate(folded)
    ]
    return 1 - sum(nearest) / len(nearest)
