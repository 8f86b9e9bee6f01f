"""Rule packs: /v1/rule-packs."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Response

from drumtower.db.engine import Tx
from drumtower.db.models import RulePackVersion
from drumtower.db.repositories.rule_packs import RulePackRepository, everybodys
from drumtower.domain.errors import NotFound
from drumtower.domain.permissions import Permission
from drumtower.language.packs import shipped
from services.api.deps import ClockDep, Reader, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature
from services.api.rule_packs import service
from services.api.rule_packs.reading import read_pack, read_rules, read_shipped, read_version
from services.api.rule_packs.schemas import (
    Activate,
    RulePackCreate,
    RulePackRead,
    VersionCreate,
    VersionDetail,
    VersionRead,
)

router = feature("/rule-packs", "rule packs")
Ruler = Annotated[Principal, Depends(allow(Permission.RULES_WRITE))]


@router.get("", operation_id="rule_packs_list", summary="List rule packs")
async def list_packs(principal: Reader, tx: TxDep, paging: PagingDep) -> Page[RulePackRead]:
    """The workspace's own, then those that come with Drumtower."""
    active = await RulePackRepository(tx, principal.workspace_id).active()
    statement, key = everybodys(shipped(), principal.workspace_id)
    return await paging.page(tx, statement, key, lambda pack: read_pack(pack, active))


@router.post(
    "",
    status_code=201,
    operation_id="rule_packs_create",
    summary="Make a rule pack of one's own",
    responses=responses(409, 413, 415),
)
async def create_pack(
    body: RulePackCreate,
    principal: Ruler,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> RulePackRead:
    """It is checked and kept as version 1; nothing is held to it before it is activated."""
    pack = await service.create(tx, principal, body, clock.now())
    response.headers["Location"] = f"/v1/rule-packs/{pack.id}"
    return read_pack(pack, {})


@router.get("/{pack_id}", operation_id="rule_packs_get", summary="Read a rule pack")
async def get_pack(pack_id: UUID, principal: Reader, tx: TxDep) -> RulePackRead:
    return await _read(tx, principal, pack_id)


async def _read(tx: Tx, principal: Principal, pack_id: UUID) -> RulePackRead:
    await tx.flush()
    statement, key = everybodys(shipped(), principal.workspace_id)
    pack = await tx.scalar(statement.where(key == pack_id))
    if pack is None:
        raise NotFound.thing("rule pack")
    return read_pack(pack, await RulePackRepository(tx, principal.workspace_id).active())


@router.get("/{pack_id}/versions", operation_id="rule_packs_versions", summary="List a rule pack's versions")
async def list_versions(pack_id: UUID, principal: Reader, tx: TxDep, paging: PagingDep) -> Page[VersionRead]:
    """Of a pack that comes with Drumtower, the version of this release."""
    packs = RulePackRepository(tx, principal.workspace_id)
    found = service.shipped_pack(pack_id)
    if found is not None:
        whole = read_shipped(found)
        return Page(data=[VersionRead.model_validate(whole)], next_cursor=None)
    await packs.get(pack_id)
    return await paging.page(tx, packs.versions(pack_id), RulePackVersion.id, read_version)


@router.post(
    "/{pack_id}/versions",
    status_code=201,
    operation_id="rule_packs_versions_create",
    summary="Add a version to a rule pack",
    responses=responses(409, 413, 415),
)
async def create_version(
    pack_id: UUID,
    body: VersionCreate,
    principal: Ruler,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> VersionDetail:
    row = await service.add_version(tx, principal, pack_id, body, clock.now())
    response.headers["Location"] = f"/v1/rule-packs/{pack_id}/versions/{row.version}"
    return read_rules(row)


@router.get(
    "/{pack_id}/versions/{version}",
    operation_id="rule_packs_version",
    summary="Read a version with its rules",
)
async def get_version(
    pack_id: UUID, version: Annotated[int, Path(ge=1, le=2**31 - 1)], principal: Reader, tx: TxDep
) -> VersionDetail:
    found = service.shipped_pack(pack_id)
    if found is not None:
        if version != found.pack.version:
            raise NotFound.thing("version")
        return read_shipped(found)
    return read_rules(await RulePackRepository(tx, principal.workspace_id).version(pack_id, version))


@router.post(
    "/{pack_id}/activate",
    operation_id="rule_packs_activate",
    summary="Let a version of a rule pack hold",
    responses=responses(413, 415),
)
async def activate_pack(
    pack_id: UUID,
    principal: Ruler,
    tx: TxDep,
    clock: ClockDep,
    idempotency: IdempotencyDep,
    body: Activate | None = None,
) -> RulePackRead:
    """From now on preflight, submit, replies and the last check use it; scheduled and published posts are scanned."""
    await service.activate(tx, principal, pack_id, body.version if body else None, clock.now())
    return await _read(tx, principal, pack_id)


@router.post(
    "/{pack_id}/deactivate", operation_id="rule_packs_deactivate", summary="Let a rule pack hold no more"
)
async def deactivate_pack(
    pack_id: UUID, principal: Ruler, tx: TxDep, clock: ClockDep, idempotency: IdempotencyDep
) -> RulePackRead:
    await service.deactivate(tx, principal, pack_id, clock.now())
    return await _read(tx, principal, pack_id)
