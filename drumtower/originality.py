"""Comparing texts with all that a workspace has written and imported: candidates by shared bands, then in full."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Post, ReferenceText
from drumtower.db.repositories.originality import POST, REFERENCE, OriginalityRepository, Text
from drumtower.db.repositories.pictures import PictureRepository
from drumtower.domain.content import Content, from_json
from drumtower.domain.originality import Likeness, Originality, Passage, passages, similarity
from drumtower.domain.pictures import Lookalike
from drumtower.language.folding import Folded, fold, fold_term
from drumtower.language.signatures import bands_of
from drumtower.policies import OriginalityPolicy

SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A text that is like the one asked about, with the passages they share; spans are those of texts as written."""

    source: Text
    similarity: float
    passages: Sequence[Passage]


def text_of(content: Content) -> str:
    """Return what of a post is compared."""
    return f"{content.title}\n{content.body}"


async def remember(tx: Tx, post: Post) -> None:
    """Keep the fingerprint of a post as it is now."""
    await OriginalityRepository(tx, post.workspace_id).keep(POST, post.id, fingerprint(post.content))


def fingerprint(content: dict[str, Any]) -> list[int]:
    """Return the bands of a post's content as it is stored."""
    return bands_of(fold_term(text_of(from_json(content))))


async def remember_reference(tx: Tx, reference: ReferenceText) -> None:
    """Keep the fingerprint of an imported text."""
    bands = bands_of(fold_term(reference.text))
    await OriginalityRepository(tx, reference.workspace_id).keep(REFERENCE, reference.id, bands)


async def originality_of(
    tx: Tx, workspace_id: UUID, policy: OriginalityPolicy, content: Content, post_id: UUID | None
) -> Originality:
    """Return what a post is like, and what the workspace makes of it."""
    found = await alike(tx, workspace_id, text_of(content), policy.threshold, post_id)
    return Originality(
        likenesses=tuple(
            Likeness(
                kind=one.source.kind,
                id=one.source.id,
                title=one.source.title,
                similarity=one.similarity,
                used_at=one.source.used_at,
            )
            for one in found
        ),
        lookalikes=tuple(await lookalikes(tx, workspace_id, policy.image_distance, content, post_id)),
        blocks=policy.blocks,
        rest=timedelta(days=policy.cooldown_days),
    )


async def lookalikes(
    tx: Tx, workspace_id: UUID, most: int, content: Content, post_id: UUID | None
) -> list[Lookalike]:
    """Return the files that show what a post's own show, the nearest first."""
    return await PictureRepository(tx, workspace_id).lookalikes(content.all_asset_ids, most, post_id)


async def alike(
    tx: Tx, workspace_id: UUID, text: str, threshold: float, besides: UUID | None = None
) -> list[Alike]:
    """Return what is at least so like the text, the most like first."""
    folded = fold(text)
    candidates = await OriginalityRepository(tx, workspace_id).candidates(bands_of(folded.text), besides)
    others = [(one, fold(one.text)) for one in candidates]
    scored = [(similarity(folded.text, other.text), one, other) for one, other in others]
    close = sorted((row for row in scored if row[0] >= threshold), key=lambda row: -row[0])
    return [
        Alike(source=one, similarity=round(score, 3), passages=_placed(folded, other))
        for score, one, other in close[:SHOWN]
    ]


def _placed(folded: Folded, other: Folded) -> list[Passage]:
    """Return the passages with spans of the texts as written."""
    return [
        Passage(
            start=folded.origins[one.start],
            end=folded.origins[one.end - 1] + 1,
            source_start=other.origins[one.source_start],
            source_end=other.origins[one.source_end - 1] + 1,
        )
        for one in passages(folded.text, other.text)
    ]
