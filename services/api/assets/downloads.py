"""Addresses that give a file to whoever has them, for a while: what they name is sealed in them, and kept nowhere."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from drumtower.crypto import Undecryptable
from drumtower.db.models import Asset
from drumtower.db.repositories.assets import AssetRepository
from drumtower.domain.errors import NotFound
from services.api.assets import serving
from services.api.assets.schemas import AssetUrl
from services.api.deps import Reader, Services, ServicesDep, TxDep
from services.api.routing import feature

WEEK = 7 * 24 * 3600

router = feature("/assets", "assets")
public_router = feature("/downloads", "assets")
Seconds = Annotated[int, Query(ge=10, le=WEEK, description="How long it works.")]


@router.get("/{asset_id}/url", operation_id="assets_url", summary="Make an address for an asset")
async def make_url(
    asset_id: UUID, principal: Reader, services: ServicesDep, tx: TxDep, seconds: Seconds = 3600
) -> AssetUrl:
    """Return an address that gives the file without a credential, until it expires. It can't be taken back."""
    asset = await AssetRepository(tx, principal.workspace_id).get(asset_id)
    return address_of(services, asset, timedelta(seconds=seconds))


def address_of(services: Services, asset: Asset, life: timedelta) -> AssetUrl:
    """Make an address that gives the asset for a while."""
    expires_at = (services.clock.now() + life).replace(microsecond=0)
    sealed = services.box.seal([str(asset.workspace_id), str(asset.id), int(expires_at.timestamp())])
    address = f"{services.settings.public_url.rstrip('/')}/v1/downloads/{sealed.decode()}"
    return AssetUrl(url=address, expires_at=expires_at)


@public_router.get(
    "/{token}",
    operation_id="downloads_get",
    summary="Download by an address that was made for it",
    response_class=Response,
    responses=serving.FILE,
)
async def download(
    token: str,
    services: ServicesDep,
    if_none_match: serving.IfNoneMatch = None,
    wanted: serving.Range = None,
) -> Response:
    """The token is the credential; where it is wrong or has expired, there is no such download."""
    workspace_id, asset_id = _opened(services, token)
    async with services.db.transaction() as tx:
        asset = await AssetRepository(tx, workspace_id).get(asset_id)
    return await serving.send(services, asset, if_none_match, wanted)


def _opened(services: Services, token: str) -> tuple[UUID, UUID]:
    try:
        workspace_id, asset_id, until = services.box.open(token.encode("utf-8", "surrogatepass"))
        has_ended = datetime.fromtimestamp(until, UTC) <= services.clock.now()
    except (Undecryptable, ValueError, TypeError) as error:  # sealed by us, for something else
        raise NotFound.thing("download") from error
    if has_ended:
        raise NotFound.thing("download")
    return UUID(workspace_id), UUID(asset_id)
