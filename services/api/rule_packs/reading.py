"""Rule packs as clients see them; shipped ones read like a workspace's own."""

from uuid import UUID

from drumtower.db.models import RulePack, RulePackVersion
from drumtower.domain.rule_packs import Rule, Shipped, from_json
from services.api.rule_packs.schemas import RulePackRead, RuleRead, VersionDetail, VersionRead


def read_pack(pack: RulePack, active: dict[UUID, int | None]) -> RulePackRead:
    """Return a pack and what the workspace says of it."""
    comes_along = pack.workspace_id is None
    said = active.get(pack.id, pack.latest_version if comes_along else None)
    return RulePackRead(
        id=pack.id,
        key=pack.key,
        name=pack.name,
        description=pack.description,
        shipped=comes_along,
        latest_version=pack.latest_version,
        # A shipped pack that is on is on in the version of this release, whatever it was when it was switched on.
        active_version=pack.latest_version if comes_along and said is not None else said,
        created_by=pack.created_by,
        created_at=pack.created_at,
    )


def read_version(row: RulePackVersion) -> VersionRead:
    """Return a version without its rules."""
    return VersionRead(**_about(row), **_counts(from_json(row.rules)))


def read_rules(row: RulePackVersion) -> VersionDetail:
    """Return a version with its rules."""
    rules = from_json(row.rules)
    return VersionDetail(
        **_about(row), **_counts(rules), rules=[RuleRead.model_validate(one) for one in rules]
    )


def read_shipped(shipped: Shipped) -> VersionDetail:
    """Return the one version of a shipped pack."""
    rules = shipped.pack.rules
    return VersionDetail(
        version=shipped.pack.version,
        note=shipped.description,
        created_by=None,
        created_at=None,
        **_counts(rules),
        rules=[RuleRead.model_validate(one) for one in rules],
    )


def _about(row: RulePackVersion) -> dict[str, object]:
    return {name: getattr(row, name) for name in ("version", "note", "created_by", "created_at")}


def _counts(rules: tuple[Rule, ...]) -> dict[str, int]:
    return {"rule_count": len(rules), "term_count": sum(len(rule.terms) for rule in rules)}
