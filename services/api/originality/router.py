"""Originality: /v1/originality."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from drumtower.db.models import ReferenceText
from drumtower.db.repositories.originality import OriginalityRepository
from drumtower.domain.permissions import Permission
from services.api.deps import ClockDep, Reader, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.originality import service
from services.api.originality.schemas import (
    Imported,
    OriginalityCheck,
    OriginalityRead,
    ReferenceRead,
    ReferencesImport,
)
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/originality", "originality")
Writer = Annotated[Principal, Depends(allow(Permission.POSTS_WRITE))]


@router.post(
    "/check",
    operation_id="originality_check",
    summary="Compare a text with everything of the workspace",
    responses=responses(413, 415),
)
async def check_text(body: OriginalityCheck, principal: Reader, tx: TxDep) -> OriginalityRead:
    """With posts, whatever their state but archived, and with imported references; passages they share are shown."""
    return await service.check(tx, principal, body)


@router.get("/references", operation_id="references_list", summary="List texts to compare with")
async def list_references(principal: Reader, tx: TxDep, paging: PagingDep) -> Page[ReferenceRead]:
    statement = OriginalityRepository(tx, principal.workspace_id).references()
    return await paging.page(tx, statement, ReferenceText.id, ReferenceRead.model_validate)


@router.post(
    "/references",
    status_code=201,
    operation_id="references_import",
    summary="Import texts to compare with",
    responses=responses(413, 415),
)
async def import_references(
    body: ReferencesImport, principal: Writer, tx: TxDep, clock: ClockDep, idempotency: IdempotencyDep
) -> Imported:
    rows = await service.add(tx, principal, body, clock.now())
    return Imported(data=[ReferenceRead.model_validate(row) for row in rows])


@router.delete(
    "/references/{reference_id}",
    status_code=204,
    operation_id="references_remove",
    summary="Compare with a text no more",
)
async def remove_reference(reference_id: UUID, principal: Writer, tx: TxDep, clock: ClockDep) -> None:
    await service.remove(tx, principal, reference_id, clock.now())
