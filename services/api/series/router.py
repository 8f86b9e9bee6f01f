"""Series: /v1/series."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from drumtower.db.models import Occurrence, Series
from drumtower.db.repositories.series import SeriesRepository
from drumtower.domain.permissions import Permission
from drumtower.domain.series import SeriesState
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.editing import Edit, Publishing
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
    series_id: UUID, body: SeriesUpdate, edit: Publishing, services: ServicesDep
) -> SeriesRead:
    """What has begun to leave stays as it is; the rest is planned anew within seconds."""
    series = await service.hold(edit, series_id)
    await service.update(edit, services.registry, series, body)
    return edit.answer(series.revision, service.read(series, edit.now))


def _doing(act: Callable[[Edit, Series], Awaitable[None]]) -> Callable[..., Awaitable[SeriesRead]]:
    async def done(series_id: UUID, edit: Publishing, idempotency: IdempotencyDep) -> SeriesRead:
        series = await service.hold(edit, series_id)
        await act(edit, series)
        return edit.answer(series.revision, service.read(series, edit.now))

    return done


for _name, _summary, _act in (
    ("pause", "Pause a series", service.pause),
    ("resume", "Resume a series", service.resume),
    ("end", "End a series", service.end),
):
    _post = router.post(
        f"/{{series_id}}/{_name}", operation_id=f"series_{_name}", summary=_summary, responses=ACTS
    )
    _post(_doing(_act))
