"""Rule packs: those that are shipped and those of one workspace, side by side; what is active; what was found."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from drumtower.db.engine import Tx
from drumtower.db.models import ComplianceScan, RulePack, RulePackActivation, RulePackVersion
from drumtower.db.plain import fetch
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.errors import NotFound
from drumtower.domain.rule_packs import Shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """A workspace's word on one pack. No `key`: the pack is a shipped one. No `version`: it is off."""

    pack_id: UUID
    key: str | None
    version: int | None


class RulePackRepository(Scoped):
    """Reads and adds packs and versions."""

    async def get(self, pack_id: UUID, *, lock: bool = False) -> RulePack:
        """Return a pack of the workspace's own; raise NotFound."""
        return await self.find(RulePack, pack_id, "rule pack", lock=lock)

    async def count(self) -> int:
        counted = select(func.count()).where(RulePack.workspace_id == self.workspace_id)
        return await self.tx.scalar(counted) or 0

    async def has_key(self, key: str) -> bool:
        return await self.tx.scalar(self.select(RulePack).where(RulePack.key == key)) is not None

    def versions(self, pack_id: UUID) -> Select[RulePackVersion]:
        return self.select(RulePackVersion).where(RulePackVersion.pack_id == pack_id)

    async def version(self, pack_id: UUID, version: int) -> RulePackVersion:
        """Return one version; raise NotFound."""
        row = await self.tx.scalar(self.versions(pack_id).where(RulePackVersion.version == version))
        if row is None:
            raise NotFound.thing("version")
        return row

    async def active(self) -> dict[UUID, int | None]:
        """Return what the workspace has said of packs: the version that is active, or None for off."""
        rows = await self.tx.scalars(self.select(RulePackActivation))
        return {row.pack_id: row.version for row in rows}

    async def activate(self, pack_id: UUID, version: int | None, member_id: UUID, now: datetime) -> None:
        """Say which version is active, and that what was checked before must be looked at again."""
        said = {"version": version, "changed_by": member_id, "changed_at": now}
        key = {"workspace_id": self.workspace_id, "pack_id": pack_id}
        statement = insert(RulePackActivation).values(key | said)
        await self.tx.execute(statement.on_conflict_do_update(index_elements=list(key), set_=said))
        await self.tx.execute(
            insert(ComplianceScan)
            .values(workspace_id=self.workspace_id, shipped="", started_at=now)
            .on_conflict_do_update(
                index_elements=["workspace_id"], set_={"after": None, "started_at": now, "finished_at": None}
            )
        )


def everybodys(shipped: Sequence[Shipped], workspace_id: UUID) -> tuple[Select[Any], Any]:
    """Select the shipped packs and the workspace's own as one list, and return it with its key."""
    own = select(
        RulePack.id, RulePack.key, RulePack.name, RulePack.description, RulePack.latest_version,
        RulePack.created_by, RulePack.created_at, RulePack.workspace_id,
    ).where(RulePack.workspace_id == workspace_id)  # fmt: skip
    ours = [_literal(one) for one in shipped]
    packs = aliased(RulePack, union_all(own, *ours).subquery())
    return select(packs), packs.id


def _literal(one: Shipped) -> Select[Any]:
    types = RulePack.__table__.c
    said: dict[str, Any] = {
        "id": one.id,
        "key": one.pack.key,
        "name": one.name,
        "description": one.description,
    }
    said |= {"latest_version": one.pack.version, "created_by": None, "created_at": None, "workspace_id": None}
    return select(*(literal(value, types[name].type).label(name) for name, value in said.items()))


_ACTIVE = """
SELECT a.workspace_id, a.pack_id, a.version, p.key
FROM rule_pack_activations a LEFT JOIN rule_packs p ON p.id = a.pack_id
WHERE a.workspace_id = ANY ($1::uuid[])
"""


async def active_of(tx: Tx, workspace_ids: Collection[UUID]) -> dict[UUID, list[Active]]:
    """Return what each workspace has said of packs; one statement, whatever their number."""
    found: dict[UUID, list[Active]] = defaultdict(list)
    for row in await fetch(tx, _ACTIVE, list(workspace_ids)):
        said = Active(pack_id=row["pack_id"], key=row["key"], version=row["version"])
        found[row["workspace_id"]].append(said)
    return found


async def rules_of(tx: Tx, versions: Collection[tuple[UUID, int]]) -> dict[UUID, list[dict[str, Any]]]:
    """Return the stored rules of these (pack, version), by pack."""
    if not versions:
        return {}
    wanted = tuple_(RulePackVersion.pack_id, RulePackVersion.version).in_(list(versions))
    rows = await tx.execute(select(RulePackVersion.pack_id, RulePackVersion.rules).where(wanted))
    return {row.pack_id: row.rules for row in rows}
