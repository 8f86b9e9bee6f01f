"""Imports: /v1/posts/import begins one, /v1/imports tells of it."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from drumtower.db.engine import after_commit
from drumtower.db.models import Import
from drumtower.db.repositories.imports import ImportRepository
from drumtower.domain.imports import ImportState, RowState
from drumtower.domain.permissions import Permission
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.imports import service
from services.api.imports.schemas import ImportProgress, ImportRowRead, PostsImport
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature, takes

router = feature("/imports", "imports")
import_router = feature("/posts", "posts")
Writer = Annotated[Principal, Depends(allow(Permission.POSTS_WRITE))]
MEDIA_TYPE = "text/csv"


@import_router.post(
    "/import",
    status_code=202,
    operation_id="posts_import",
    summary="Import posts",
    responses=responses(409, 413, 415),
)
@takes("largest_import")
async def import_posts(
    body: PostsImport,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> ImportProgress:
    """Every row becomes a draft by the rules of `POST /v1/posts`, or is refused, and stops no other. The rows are worked
    after the answer, as you and with the rights you have then; `Location` says how far they are.
    """
    begun = await service.begin(tx, principal, body, clock.now())
    after_commit(tx, services.importer.wake)
    response.headers["Location"] = f"/v1/imports/{begun.id}"
    return ImportProgress.model_validate(begun)


@router.get("", operation_id="imports_list", summary="List imports")
async def list_imports(
    principal: Reader, tx: TxDep, paging: PagingDep, state: ImportState | None = None
) -> Page[ImportProgress]:
    statement = ImportRepository(tx, principal.workspace_id).matching(state)
    return await paging.page(tx, statement, Import.id, ImportProgress.model_validate)


@router.get("/{import_id}", operation_id="imports_get", summary="See how far an import is")
async def get_import(import_id: UUID, principal: Reader, tx: TxDep) -> ImportProgress:
    found = await ImportRepository(tx, principal.workspace_id).get(import_id)
    return ImportProgress.model_validate(found)


@router.get("/{import_id}/rows", operation_id="imports_rows", summary="Read the verdicts of an import")
async def list_rows(
    import_id: UUID, principal: Reader, tx: TxDep, paging: PagingDep, state: RowState | None = None
) -> Page[ImportRowRead]:
    """In the order in which the rows were brought."""
    rows, cursor = await service.page(tx, principal, import_id, state, paging)
    return Page(data=[ImportRowRead.model_validate(row) for row in rows], next_cursor=cursor)


@router.get(
    "/{import_id}/rows.csv",
    operation_id="imports_rows_csv",
    summary="Take the verdicts of an import away",
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}, "description": "CSV (RFC 4180)."}
    },
)
async def export_rows(
    import_id: UUID, principal: Reader, tx: TxDep, state: RowState | None = None
) -> Response:
    """One line a violation. What a spreadsheet would run as a formula begins with an apostrophe."""
    table = await service.export(tx, principal, import_id, state)
    name = f'attachment; filename="import-{import_id}.csv"'
    return Response(table, media_type=f"{MEDIA_TYPE}; charset=utf-8", headers={"Content-Disposition": name})


@router.post(
    "/{import_id}/cancel", operation_id="imports_cancel", summary="Cancel an import", responses=responses(409)
)
async def cancel_import(
    import_id: UUID, principal: Writer, tx: TxDep, clock: ClockDep, idempotency: IdempotencyDep
) -> ImportProgress:
    """What was created stays; rows that still wait are left."""
    return ImportProgress.model_validate(await service.cancel(tx, principal, import_id, clock.now()))
