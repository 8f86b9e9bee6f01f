"""Key figures: /v1/metrics."""

from typing import Annotated, Any

from fastapi import Depends, Response
from pydantic_core import to_json

from drumtower.domain.kpi_dictionary import DICTIONARY
from drumtower.domain.permissions import Permission
from services.api.deps import ClockDep, ServicesDep, TxDep, allow
from services.api.metrics import query, service
from services.api.metrics.query import (
    ChannelsParameter,
    FromParameter,
    GroupParameter,
    MetricsParameter,
    ToParameter,
)
from services.api.metrics.schemas import DefinitionRead, DictionaryRead, KpiListRead
from services.api.principals import Principal
from services.api.routing import feature

router = feature("/metrics", "metrics")
Analyst = Annotated[Principal, Depends(allow(Permission.METRICS_READ))]


@router.get("/dictionary", operation_id="metrics_dictionary", summary="What each key figure means")
async def get_dictionary(principal: Analyst) -> DictionaryRead:
    return DictionaryRead(data=[DefinitionRead.model_validate(definition) for definition in DICTIONARY])


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
