"""Series: /v1/series."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Response

from drumtower.db.models import Occurrence, Series
from drumtower.db.repositories.series import SeriesRepository
from drumtower.domain.permissions import Permission
from drumtower.domain.series import SeriesState
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.etags import set_etag
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature
from services.api.series import service
from services.api.series.schemas import OccurrenceRead, SeriesCreate, SeriesRead, SeriesUpdate

router = feature("/series", "series")
Publisher = Annotated[Principal, Depends(allow(Permission.POSTS_PUBLISH))]
IfMatch = Annotated[str | None, Header(max_length=1_000, description="The ETag you have read.")]
ACTS = responses(409, 412)


@router.get("", operation_id="series_list", summary="List series")
async def list_series(
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    paging: PagingDep,
    state: SeriesState | None = None,
    post_id: UUID | None = None,
) -> Page[SeriesRead]:
    statement = SeriesRepository(tx, principal.workspace_id).all()
    for column, value in {Series.state: state, Series.post_id: post_id}.items():
        if value is not None:
            statement = statement.where(column == value)
    now = clock.now()
    return await paging.page(tx, statement, Series.id, lambda row: service.read(row, now))


@router.post(
    "",
    status_code=201,
    operation_id="series_create",
    summary="Plan a post again and again",
    responses=responses(409, 413, 415),
)
async def create_series(
    body: SeriesCreate,
    principal: Publisher,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> SeriesRead:
    """Its days are planned ahead one by one, each with a copy of the post; see its occurrences."""
    now = clock.now()
    series = await service.create(tx, principal, services.registry, body, now)
    response.headers["Location"] = f"/v1/series/{series.id}"
    set_etag(response, series.revision)
    return service.read(series, now)


@router.get("/{series_id}", operation_id="series_get", summary="Read a series")
async def get_series(
    series_id: UUID, principal: Reader, tx: TxDep, clock: ClockDep, response: Response
) -> SeriesRead:
    series = await SeriesRepository(tx, principal.workspace_id).get(series_id)
    set_etag(response, series.revision)
    return service.read(series, clock.now())


@router.get(
    "/{series_id}/occurrences", operation_id="series_occurrences", summary="List what a series has planned"
)
async def list_occurrences(
    series_id: UUID, principal: Reader, tx: TxDep, paging: PagingDep
) -> Page[OccurrenceRead]:
    repository = SeriesRepository(tx, principal.workspace_id)
    await repository.get(series_id)
    rows, cursor = await paging.rows(tx, repository.occurrences(series_id), Occurrence.id)
    return Page(data=await service.read_occurrences(tx, principal, list(rows)), next_cursor=cursor)


@router.patch(
    "/{series_id}",
    operation_id="series_update",
    summary="Change a series",
    responses=responses(409, 412, 413, 415),
)
async def update_series(
    series_id: UUID,
    body: SeriesUpdate,
    principal: Publisher,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    if_match: IfMatch = None,
) -> SeriesRead:
    """What has begun to leave stays as it is; the rest is planned anew within seconds."""
    now = clock.now()
    series = await service.hold(tx, principal, series_id, if_match)
    await service.update(tx, principal, services.registry, series, body, now)
    set_etag(response, series.revision)
    return service.read(series, now)


@router.post("/{series_id}/pause", operation_id="series_pause", summary="Pause a series", responses=ACTS)
async def pause_series(
    series_id: UUID,
    principal: Publisher,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
    if_match: IfMatch = None,
) -> SeriesRead:
    now = clock.now()
    series = await service.hold(tx, principal, series_id, if_match)
    await service.pause(tx, principal, series, now)
    set_etag(response, series.revision)
    return service.read(series, now)


@router.post("/{series_id}/resume", operation_id="series_resume", summary="Resume a series", responses=ACTS)
async def resume_series(
    series_id: UUID,
    principal: Publisher,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
    if_match: IfMatch = None,
) -> SeriesRead:
    now = clock.now()
    series = await service.hold(tx, principal, series_id, if_match)
    await service.resume(tx, principal, series, now)
    set_etag(response, series.revision)
    return service.read(series, now)


@router.post("/{series_id}/end", operation_id="series_end", summary="End a series", responses=ACTS)
async def end_series(
    series_id: UUID,
    principal: Publisher,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
    if_match: IfMatch = None,
) -> SeriesRead:
    now = clock.now()
    series = await service.hold(tx, principal, series_id, if_match)
    await service.end(tx, principal, series, now)
    set_etag(response, series.revision)
    return service.read(series, now)
