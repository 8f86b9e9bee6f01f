"""Platforms: /v1/platforms."""

from services.api.deps import ClockDep, Reader, ServicesDep, TxDep
from services.api.languages import LanguageDep
from services.api.platforms import fit, service
from services.api.platforms.fit_schemas import FitAnswer, FitRequest
from services.api.platforms.schemas import PlatformList, PlatformRead
from services.api.problems import responses
from services.api.routing import feature

router = feature("/platforms", "platforms")


@router.get("", operation_id="platforms_list", summary="List platforms")
async def list_platforms(principal: Reader, services: ServicesDep) -> PlatformList:
    return PlatformList(data=[service.read(adapter) for adapter in services.registry.adapters.values()])


@router.get("/{platform}", operation_id="platforms_get", summary="Read a platform")
async def get_platform(platform: str, principal: Reader, services: ServicesDep) -> PlatformRead:
    return service.read(services.registry.get(platform))


@router.post(
    "/fit",
    operation_id="platforms_fit",
    summary="Rank the platforms for an audience, goals and kinds of content",
    responses=responses(413, 415),
)
async def fit_platforms(
    body: FitRequest,
    principal: Reader,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    language: LanguageDep,
) -> FitAnswer:
    """One or two to start with, and a role for each other one. Formula and sources: docs/reference/platform-fit.md."""
    return await fit.advise(tx, principal, services.registry, body, language, clock.now())
