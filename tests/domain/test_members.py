"""Who may be a member, and as what."""

from datetime import UTC, datetime, timedelta

import pytest

from drumtower.domain.members import Membership, has_ended, may_give, membership_violations
from drumtower.domain.permissions import NEVER_EXTERNAL, ROLES, Permission, Role, granted

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SOON = NOW + timedelta(days=1)


def membership(
    role: Role = Role.CREATOR, *, external: bool = False, ends_at: datetime | None = None
) -> Membership:
    return Membership(role=role, external=external, ends_at=ends_at)


def test_owners_are_made_by_owners_only() -> None:
    everything = frozenset(Permission)
    assert may_give(Role.OWNER, everything, Role.OWNER)
    assert not may_give(Role.ADMIN, everything, Role.OWNER)
    assert may_give(Role.ADMIN, everything, Role.ADMIN)


def test_a_narrow_key_gives_no_more_than_it_has() -> None:
    narrow = frozenset({Permission.MEMBERS_WRITE}) | ROLES[Role.VIEWER]
    assert may_give(Role.OWNER, narrow, Role.VIEWER)
    assert not may_give(Role.OWNER, narrow, Role.CREATOR)


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        (membership(), []),
        (membership(ends_at=SOON), []),
        (membership(ends_at=NOW), [("/ends_at", "time_in_past")]),
        (membership(external=True, ends_at=SOON), []),
        (membership(external=True), [("/ends_at", "end_required")]),
        (membership(Role.ADMIN, external=True), [("/role", "external_role"), ("/ends_at", "end_required")]),
    ],
)
def test_everything_wrong_at_once(asked: Membership, wrong: list[tuple[str, str]]) -> None:
    assert [(one.pointer, one.code) for one in membership_violations(asked, NOW)] == wrong


@pytest.mark.parametrize("role", Role)
def test_an_agency_never_reviews_and_never_publishes(role: Role) -> None:
    assert not granted(role, external=True) & NEVER_EXTERNAL
    assert granted(role, external=False) == ROLES[role]


def test_the_end_is_the_first_moment_without_access() -> None:
    assert has_ended(NOW, NOW)
    assert not has_ended(NOW, NOW - timedelta(microseconds=1))
    assert not has_ended(None, NOW)
