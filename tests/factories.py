"""Typed functions that make rows; what a test does not care about has a sensible value."""

import io
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from PIL import Image

from drumtower.crypto import Box, new_token, password_hash, token_hash
from drumtower.db.engine import Database, Tx
from drumtower.db.models import (
    ApiKey,
    Asset,
    Brand,
    Channel,
    ComplianceFinding,
    Import,
    ImportRow,
    Member,
    Workspace,
)
from drumtower.domain.clock import SystemClock
from drumtower.domain.ids import new_id
from drumtower.domain.permissions import Role
from drumtower.storage import Storage

PASSWORD = "鼓楼 is not a good password"


@cache
def _password_hash() -> str:
    # argon2 is slow on purpose, and every test makes owners.
    return password_hash(PASSWORD)


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
        password_hash=_password_hash() if role is Role.OWNER else None,
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


async def make_channel(db: Database, team: Team, box: Box, platform: str = "weibo", **columns: Any) -> UUID:
    """Add a connected channel of the team's brand, with sealed credentials nobody takes."""
    now = SystemClock().now()
    fields = {
        "id": new_id(),
        "workspace_id": team.workspace_id,
        "brand_id": team.brand_id,
        "platform": platform,
        "name": f"{platform} 官方",
        "account_id": new_id().hex,
        "account_name": "鼓楼茶",
        "status": "connected",
        "credentials": box.seal({"access_token": "none"}),
        "created_at": now,
        "updated_at": now,
    }
    channel = Channel(**(fields | columns))
    async with db.transaction() as tx:
        tx.add(channel)
    return channel.id


async def make_asset(db: Database, team: Team, **columns: Any) -> UUID:
    """Add the row of a small PNG; there is no file behind it."""
    fields = {
        "id": new_id(),
        "workspace_id": team.workspace_id,
        "file_name": "茶.png",
        "kind": "image",
        "content_type": "image/png",
        "size": 50_000,
        "sha256": new_id().hex * 2,  # a workspace keeps the same content once
        "width": 900,
        "height": 500,
        "codecs": [],
        "alt_text": "一杯茶",
        "credit": "",
        "licence": "own",
        "created_by": team.owner_id,
        "created_at": SystemClock().now(),
    }
    asset = Asset(**(fields | columns))
    async with db.transaction() as tx:
        tx.add(asset)
    return asset.id


async def make_video(db: Database, storage: Storage, team: Team, size: int) -> UUID:
    """Store what passes for an MP4 of that size, file and row: 20 seconds, 720 by 1280."""
    content = b"\x00\x00\x00\x18ftypisom".ljust(size, b"\x00")
    about = {"kind": "video", "content_type": "video/mp4", "file_name": "茶.mp4"}
    measures = {"width": 720, "height": 1280, "duration_ms": 20_000, "codecs": ["h264", "aac"]}
    asset_id = await make_asset(db, team, size=size, **about, **measures)
    await storage.write(team.workspace_id, asset_id, content)
    return asset_id


async def make_finding(db: Database, team: Team, post_id: UUID, **columns: Any) -> UUID:
    """Store an open finding in a post, as a scan does."""
    fields: dict[str, Any] = {
        "id": new_id(),
        "workspace_id": team.workspace_id,
        "post_id": post_id,
        "content_hash": "hash",
        "pointer": "/body",
        "quote": "最好",
        "start": 0,
        "end": 2,
        "rule": "cn_advertising/absolute.most",
        "severity": "warn",
        "basis": "",
        "suggestion": "",
        "pack_version": 1,
        "state": "open",
        "note": "",
        "opened_at": SystemClock().now(),
    }
    finding = ComplianceFinding(**(fields | columns))
    async with db.transaction() as tx:
        tx.add(finding)
    return finding.id


async def make_image(db: Database, storage: Storage, team: Team) -> UUID:
    """Store a small PNG, file and row."""
    kept = io.BytesIO()
    Image.new("RGB", (90, 50), "#7a4a21").save(kept, "PNG")
    asset_id = await make_asset(db, team, file_name="茶.png", size=len(kept.getvalue()), alt_text="一杯茶")
    await storage.write(team.workspace_id, asset_id, kept.getvalue())
    return asset_id


async def make_import(db: Database, team: Team, raws: list[dict[str, Any]], **columns: Any) -> UUID:
    """Add an import of posts whose rows wait; nothing wakes a process to work it."""
    now = SystemClock().now()
    same = {"workspace_id": team.workspace_id}
    row = {
        "kind": "posts",
        "state": "running",
        "dry_run": False,
        "count": len(raws),
        "created": 0,
        "refused": 0,
        "ignored_columns": [],
        "created_by": team.owner_id,
        "created_at": now,
        "worked_at": now,
    }
    made = Import(id=new_id(), **same | row | columns)
    async with db.transaction() as tx:
        tx.add(made)
        await tx.flush()
        for number, raw in enumerate(raws, 1):
            fields = {"import_id": made.id, "number": number, "raw": raw, "state": "waiting", "errors": []}
            tx.add(ImportRow(**same | fields))
    return made.id
