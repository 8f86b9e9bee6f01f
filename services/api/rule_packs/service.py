"""Writing rule packs, and choosing what holds."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import RulePack, RulePackVersion
from drumtower.db.repositories.rule_packs import RulePackRepository
from drumtower.domain.errors import Conflict, Invalid, Violation
from drumtower.domain.ids import new_id
from drumtower.domain.rule_packs import MOST_PACKS, Shipped, to_json, violations_of
from drumtower.language.detectors import DETECTORS
from drumtower.language.folding import fold_term
from drumtower.language.packs import shipped
from services.api import audit
from services.api.principals import Principal
from services.api.rule_packs.schemas import RuleBody, RulePackCreate, VersionCreate


def shipped_pack(pack_id: UUID) -> Shipped | None:
    """Return the shipped pack of this id, if it is one."""
    return next((one for one in shipped() if one.id == pack_id), None)


async def create(tx: Tx, principal: Principal, asked: RulePackCreate, now: datetime) -> RulePack:
    """Add a pack with its first version; raise Invalid with everything that is wrong."""
    packs = RulePackRepository(tx, principal.workspace_id)
    violations = [*_wrong_rules(asked.rules)]
    if await packs.has_key(asked.key) or asked.key in {one.pack.key for one in shipped()}:
        detail = f"There is a pack {asked.key!r} already."
        hint = "Add a version to it, or choose another key."
        violations.append(Violation(pointer="/key", code="rule_pack_exists", detail=detail, hint=hint))
    if violations:
        raise Invalid.of(violations)
    if await packs.count() >= MOST_PACKS:
        raise Conflict("too_many_rule_packs", f"A workspace has at most {MOST_PACKS} packs of its own.")
    pack = RulePack(
        id=new_id(),
        workspace_id=principal.workspace_id,
        key=asked.key,
        name=asked.name,
        description=asked.description,
        latest_version=0,
        created_by=principal.member_id,
        created_at=now,
    )
    tx.add(pack)
    await tx.flush()
    audit.record(tx, principal, "rule_pack.created", pack.id, now, key=pack.key)
    await _add_version(tx, principal, pack, asked, now)
    return pack


async def add_version(
    tx: Tx, principal: Principal, pack_id: UUID, asked: VersionCreate, now: datetime
) -> RulePackVersion:
    """Add the next version; raise Invalid with everything that is wrong, Conflict for a shipped pack."""
    if shipped_pack(pack_id) is not None:
        raise Conflict("rule_pack_shipped", "This pack comes with Drumtower. Make one of your own beside it.")
    pack = await RulePackRepository(tx, principal.workspace_id).get(pack_id, lock=True)
    violations = _wrong_rules(asked.rules)
    if violations:
        raise Invalid.of(violations)
    return await _add_version(tx, principal, pack, asked, now)


def _wrong_rules(rules: Sequence[RuleBody]) -> list[Violation]:
    return violations_of([one.rule() for one in rules], fold_term, frozenset(DETECTORS))


async def _add_version(
    tx: Tx, principal: Principal, pack: RulePack, asked: VersionCreate, now: datetime
) -> RulePackVersion:
    pack.latest_version += 1
    row = RulePackVersion(
        id=new_id(),
        workspace_id=pack.workspace_id,
        pack_id=pack.id,
        version=pack.latest_version,
        rules=to_json([one.rule() for one in asked.rules]),
        note=asked.note,
        created_by=principal.member_id,
        created_at=now,
    )
    tx.add(row)
    audit.record(tx, principal, "rule_pack.version_added", pack.id, now, version=row.version)
    return row


async def activate(tx: Tx, principal: Principal, pack_id: UUID, version: int | None, now: datetime) -> None:
    """Let a version hold from now on; what is scheduled and published is looked at again."""
    packs = RulePackRepository(tx, principal.workspace_id)
    found = shipped_pack(pack_id)
    latest = found.pack.version if found else (await packs.get(pack_id, lock=True)).latest_version
    chosen = version or latest
    if (found is not None and chosen != latest) or chosen > latest:
        detail = f"The pack has no version {chosen}."
        raise Invalid.at("/version", "unknown_version", detail, f"The latest is {latest}.")
    await _say(tx, principal, pack_id, chosen, now)


async def deactivate(tx: Tx, principal: Principal, pack_id: UUID, now: datetime) -> None:
    """Let the pack hold no more."""
    if shipped_pack(pack_id) is None:
        await RulePackRepository(tx, principal.workspace_id).get(pack_id, lock=True)
    await _say(tx, principal, pack_id, None, now)


async def _say(tx: Tx, principal: Principal, pack_id: UUID, version: int | None, now: datetime) -> None:
    await RulePackRepository(tx, principal.workspace_id).activate(pack_id, version, principal.member_id, now)
    verb = "rule_pack.deactivated" if version is None else "rule_pack.activated"
    audit.record(tx, principal, verb, pack_id, now, version=version)
    outbox.append(
        tx, workspace_id=principal.workspace_id, name=verb, subject_id=pack_id, now=now, version=version
    )
