"""Who may be a member, and as what: nobody gives more than they have, and an agency is never of the house."""

from dataclasses import dataclass
from datetime import datetime

from drumtower.domain.errors import Violation
from drumtower.domain.permissions import ROLES, Permission, Role

# Who decides about a workspace belongs to the house; an agency works for it.
OF_THE_HOUSE = frozenset({Role.OWNER, Role.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What somebody is in a workspace, and until when."""

    role: Role
    external: bool
    ends_at: datetime | None


def has_ended(ends_at: datetime | None, now: datetime) -> bool:
    """Say whether a membership with this end is over."""
    return ends_at is not None and ends_at <= now


def may_give(giver: Role, permissions: frozenset[Permission], role: Role) -> bool:
    """Say whether somebody with these permissions may make others `role`; owners are made by owners only."""
    return ROLES[role] <= permissions and (role is not Role.OWNER or giver is Role.OWNER)


def membership_violations(asked: Membership, now: datetime) -> list[Violation]:
    """Say what is wrong with a membership, whoever gives it."""
    violations = []
    if asked.external and asked.role in OF_THE_HOUSE:
        hint = "Choose a role that does not decide about the workspace."
        violations.append(
            _wrong("/role", "external_role", f"An external member can't be {asked.role}.", hint)
        )
    if asked.external and asked.ends_at is None:
        hint = "Say until when the agency works for you; it can be moved."
        violations.append(_wrong("/ends_at", "end_required", "An external member needs an end date.", hint))
    if has_ended(asked.ends_at, now):
        hint = "To end a membership at once, POST …/end."
        violations.append(_wrong("/ends_at", "time_in_past", "It would be over already.", hint))
    return violations


def _wrong(pointer: str, code: str, detail: str, hint: str) -> Violation:
    return Violation(pointer=pointer, code=code, detail=detail, hint=hint)
