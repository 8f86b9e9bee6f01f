"""Platforms: /v1/platforms."""

from services.api.deps import Reader, ServicesDep
from services.api.platforms import service
from services.api.platforms.schemas import PlatformList, PlatformRead
from services.api.routing import feature

router = feature("/platforms", "platforms")


@router.get("", operation_id="platforms_list", summary="List platforms")
async def list_platforms(principal: Reader, services: ServicesDep) -> PlatformList:
    return PlatformList(data=[service.read(adapter) for adapter in services.registry.adapters.values()])


@router.get("/{platform}", operation_id="platforms_get", summary="Read a platform")
async def get_platform(platform: str, principal: Reader, services: ServicesDep) -> PlatformRead:
    return service.read(services.registry.get(platform))
