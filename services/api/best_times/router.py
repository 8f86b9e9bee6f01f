"""Best times: /v1/channels/{channel_id}/best-times."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from drumtower.db.repositories.best_times import BestTimeRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.domain.best_times import rank
from drumtower.domain.schedules import zone
from services.api.best_times.schemas import Basis, BestTimeRead, BestTimesRead
from services.api.deps import ClockDep, Reader, TxDep
from services.api.languages import LanguageDep
from services.api.routing import feature

router = feature("/channels", "best times")


@router.get(
    "/{channel_id}/best-times",
    operation_id="channels_best_times",
    summary="Rank the hours of the week by what the channel's posts brought",
)
async def list_best_times(
    channel_id: UUID,
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    language: LanguageDep,
    timezone: Annotated[
        str | None, Query(max_length=64, description="IANA zone of the hours; the workspace's by default.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=168, description="How many at most.")] = 10,
) -> BestTimesRead:
    """Its own results, shrunk towards the platform's usual shape where they are few; without any, that alone."""
    channel = await ChannelRepository(tx, principal.workspace_id).get(channel_id)
    where = zone(timezone or principal.timezone, "?timezone")
    results = await BestTimeRepository(tx, principal.workspace_id).results(channel.id, clock.now())
    ranked = rank(results, channel.platform, where)[:limit]
    return BestTimesRead(
        channel_id=channel.id,
        timezone=where.key,
        basis=Basis.OWN if results else Basis.PRIOR,
        posts=len(results),
        data=[
            BestTimeRead(
                weekday=cell.weekday,
                hour=cell.hour,
                lift=cell.lift,
                low=cell.low,
                high=cell.high,
                posts=cell.posts,
                reason=language.of(cell.reason),
            )
            for cell in ranked
        ],
    )
