"""Typed functions that make rows; what a test does not care about has a sensible value."""

from dataclasses import dataclass
from uuid import UUID

from drumtower.crypto import new_token, password_hash, token_hash
from drumtower.db.engine import Database, Tx
from drumtower.db.models import ApiKey, Brand, Member, Workspace
from drumtower.domain.clock import SystemClock
from drumtower.domain.ids import new_id
from drumtower.domain.permissions import Role

PASSWORD = "鼓楼 is not a good password"


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A workspace with two members, their API keys, and a brand."""

    workspace_id: UUID
    owner_id: UUID
    owner_key: str
    owner_email: str
    reviewer_id: UUID
    reviewer_key: str
    brand_id: UUID


async def make_member(tx: Tx, workspace_id: UUID, role: Role, *, external: bool = False) -> Member:
    """Add a member; the password is PASSWORD for owners, nobody else can log in."""
    member = Member(
        id=new_id(),
        workspace_id=workspace_id,
        email=f"{new_id().hex}@example.com",
        name=role.value,
        role=role.value,
        external=external,
        ends_at=None,
        password_hash=password_hash(PASSWORD) if role is Role.OWNER else None,
        created_at=SystemClock().now(),
    )
    tx.add(member)
    await tx.flush()  # keys and posts refer to it
    return member


async def make_key(tx: Tx, member: Member, scopes: list[str] | None = None) -> str:
    """Add an API key of the member, and return it."""
    token = new_token("dt")
    key = ApiKey(
        workspace_id=member.workspace_id,
        member_id=member.id,
        name="tests",
        prefix=token[:8],
        key_hash=token_hash(token),
        scopes=scopes or [],
        created_at=SystemClock().now(),
    )
    tx.add(key)
    return token


async def make_team(db: Database) -> Team:
    """Add a workspace with an owner, a reviewer, and a brand."""
    now = SystemClock().now()
    async with db.transaction() as tx:
        workspace = Workspace(id=new_id(), name="Tests", timezone="Asia/Shanghai", created_at=now)
        tx.add(workspace)
        await tx.flush()
        owner = await make_member(tx, workspace.id, Role.OWNER)
        reviewer = await make_member(tx, workspace.id, Role.REVIEWER)
        brand = Brand(
            id=new_id(),
            workspace_id=workspace.id,
            name="鼓楼茶",
            positioning="",
            tone="",
            pillars=[],
            banned_words=[],
            required_words=[],
            created_at=now,
            updated_at=now,
        )
        tx.add(brand)
        return Team(
            workspace_id=workspace.id,
            owner_id=owner.id,
            owner_key=await make_key(tx, owner),
            owner_email=owner.email,
            reviewer_id=reviewer.id,
            reviewer_key=await make_key(tx, reviewer),
            brand_id=brand.id,
        )
