"""Key figures: /v1/metrics."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic_core import to_json

from drumtower.db.models import Sample
from drumtower.db.repositories.samples import SampleRepository
from drumtower.domain.kpi_dictionary import DICTIONARY
from drumtower.domain.permissions import Permission
from drumtower.domain.samples import Metric
from drumtower.jobs import Role
from services.api.deps import BellDep, ClockDep, ServicesDep, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.importing import ImportRead
from services.api.metrics import imports, query, service
from services.api.metrics.imports import SampleImport
from services.api.metrics.query import (
    ChannelsParameter,
    FromParameter,
    GroupParameter,
    MetricsParameter,
    ToParameter,
)
from services.api.metrics.schemas import DefinitionRead, DictionaryRead, KpiListRead, SampleRead
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature
from services.api.schemas import Moment

router = feature("/metrics", "metrics")
Importer = Annotated[Principal, Depends(allow(Permission.METRICS_WRITE))]
Analyst = Annotated[Principal, Depends(allow(Permission.METRICS_READ))]


@router.get("/dictionary", operation_id="metrics_dictionary", summary="What each key figure means")
async def get_dictionary(principal: Analyst) -> DictionaryRead:
    return DictionaryRead(data=[DefinitionRead.model_validate(definition) for definition in DICTIONARY])


@router.get("/samples", operation_id="metrics_samples_list", summary="List samples")
async def list_samples(
    principal: Analyst,
    tx: TxDep,
    paging: PagingDep,
    channel_id: UUID | None = None,
    delivery_id: UUID | None = None,
    metric: Metric | None = None,
    taken_from: Annotated[Moment | None, Query(alias="from", description="Inclusive.")] = None,
    taken_to: Annotated[Moment | None, Query(alias="to", description="Exclusive.")] = None,
) -> Page[SampleRead]:
    """What the figures are made of, the newest stored first. A number that a platform did not give has no sample."""
    statement = SampleRepository(tx, principal.workspace_id).select(Sample)
    equal = {Sample.channel_id: channel_id, Sample.delivery_id: delivery_id, Sample.metric: metric}
    for column, value in equal.items():
        if value is not None:
            statement = statement.where(column == value)
    if taken_from is not None:
        statement = statement.where(Sample.taken_at >= taken_from)
    if taken_to is not None:
        statement = statement.where(Sample.taken_at < taken_to)
    return await paging.page(tx, statement, Sample.id, SampleRead.model_validate)


@router.post(
    "/samples",
    operation_id="metrics_samples_import",
    summary="Import figures that no API gives",
    responses=responses(404, 409, 413, 415),
)
async def import_samples(
    body: SampleImport,
    principal: Importer,
    services: ServicesDep,
    tx: TxDep,
    bell: BellDep,
    clock: ClockDep,
    idempotency: IdempotencyDep,
) -> ImportRead:
    """A verdict per row; a row that is refused stops no other, and the same rows again change nothing.

    In a CSV, a time without an offset is the workspace's, and a day means its end.
    """
    taken = await imports.take(tx, principal, services.registry, body, clock.now())
    bell.ring(Role.METRICS)
    return taken


@router.get(
    "/kpis", operation_id="metrics_kpis", summary="Read key figures of a period", response_model=KpiListRead
)
async def get_kpis(
    principal: Analyst,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    first: FromParameter,
    last: ToParameter,
    metrics: MetricsParameter = None,
    group_by: GroupParameter = "total",
    channel_id: ChannelsParameter = None,
) -> Response:
    """Every figure says how it came about (`basis`) and how old its samples are; unknown is null, never 0.

    Posts count on the day they gained, not on the day they were published.
    """
    asked = query.read(
        metrics=metrics,
        first=first,
        last=last,
        group_by=group_by,
        channel_ids=channel_id,
        timezone=principal.timezone,
    )
    figures = await service.answer(tx, principal.workspace_id, asked, services.registry, clock.now())
    answer: dict[str, Any] = {
        "from": first,
        "to": last,
        "timezone": principal.timezone,
        "group_by": group_by.split(","),
        "data": figures,
    }
    # Made and dumped as plain data: a year by day and channel is thousands of rows, and each would be validated.
    return Response(to_json(answer), media_type="application/json")
