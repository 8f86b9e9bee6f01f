"""Comparing, and keeping what to compare with."""

from datetime import datetime
from uuid import UUID

from drumtower import originality
from drumtower.db.engine import Tx
from drumtower.db.models import ReferenceText
from drumtower.db.repositories.originality import OriginalityRepository
from drumtower.db.repositories.posts import PostRepository
from drumtower.domain.content import Content, from_json
from drumtower.domain.errors import Invalid
from drumtower.domain.ids import new_id
from drumtower.domain.originality import diversity
from drumtower.language.folding import fold_term
from services.api import audit
from services.api.originality.schemas import (
    LookalikeRead,
    MatchRead,
    OriginalityCheck,
    OriginalityRead,
    OriginalityVerdict,
    PassageRead,
    ReferencesImport,
)
from services.api.principals import Principal


async def check(tx: Tx, principal: Principal, asked: OriginalityCheck) -> OriginalityRead:
    """Compare a text or a post with everything of the workspace."""
    if (asked.text is None) == (asked.post_id is None):
        detail = "Send either a text or a post_id."
        raise Invalid.at("/text", "text_or_post", detail, "A post is compared with all but itself.")
    content = None
    if asked.post_id is not None:
        content = from_json((await PostRepository(tx, principal.workspace_id).get(asked.post_id)).content)
    text = asked.text if content is None else originality.text_of(content)
    threshold = asked.threshold or principal.policies.originality.threshold
    found = await originality.alike(tx, principal.workspace_id, text or "", threshold, asked.post_id)
    return OriginalityRead(
        verdict=OriginalityVerdict.ALIKE if found else OriginalityVerdict.ORIGINAL,
        threshold=threshold,
        similarity=found[0].similarity if found else 0.0,
        matches=[_match(one, text or "") for one in found],
        images=await _images(tx, principal, content, asked.post_id) if content else [],
        variant_diversity=None if content is None else _diversity(content),
    )


def _match(one: originality.Alike, text: str) -> MatchRead:
    return MatchRead(
        kind=one.source.kind,
        id=one.source.id,
        title=one.source.title,
        url=one.source.url,
        similarity=one.similarity,
        used_at=one.source.used_at,
        passages=[
            PassageRead(
                text=text[passage.start : passage.end],
                start=passage.start,
                end=passage.end,
                source_start=passage.source_start,
                source_end=passage.source_end,
            )
            for passage in one.passages
        ],
    )


async def _images(
    tx: Tx, principal: Principal, content: Content, post_id: UUID | None
) -> list[LookalikeRead]:
    most = principal.policies.originality.image_distance
    found = await originality.lookalikes(tx, principal.workspace_id, most, content, post_id)
    return [LookalikeRead.model_validate(one) for one in found]


def _diversity(content: Content) -> float | None:
    bodies = [content.body if one.body is None else one.body for one in content.variants]
    found = diversity([fold_term(body) for body in bodies])
    return None if found is None else round(found, 3)


async def add(tx: Tx, principal: Principal, asked: ReferencesImport, now: datetime) -> list[ReferenceText]:
    """Keep texts to compare with."""
    rows = [
        ReferenceText(
            id=new_id(),
            workspace_id=principal.workspace_id,
            title=one.title,
            text=one.text,
            url=one.url,
            created_by=principal.member_id,
            created_at=now,
        )
        for one in asked.references
    ]
    tx.add_all(rows)
    for row in rows:
        await originality.remember_reference(tx, row)
        audit.record(tx, principal, "reference.imported", row.id, now)
    return rows


async def remove(tx: Tx, principal: Principal, reference_id: UUID, now: datetime) -> None:
    """Compare with it no more."""
    repository = OriginalityRepository(tx, principal.workspace_id)
    await repository.remove(await repository.find(ReferenceText, reference_id, "reference", lock=True))
    audit.record(tx, principal, "reference.removed", reference_id, now)
