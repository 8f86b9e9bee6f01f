"""The demo workspace: two members with keys in the database; everything else over the public API, like any client."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import delete, select

from drumtower.crypto import new_token, password_hash, token_hash
from drumtower.db.engine import Database, Tx
from drumtower.db.models import ApiKey, Member, Workspace
from drumtower.db.partitions import ensure_partitions
from drumtower.domain.clock import SystemClock
from drumtower.domain.ids import new_id
from drumtower.domain.permissions import Role

OWNER = "owner@demo.drumtower.example"
REVIEWER = "reviewer@demo.drumtower.example"
KEY_NAME = "up"
# The platforms of the demo's story; a channel on any other sandbox is connected as a real one would be.
PLATFORMS = ("weibo", "wechat", "bluesky")
# What a sandbox account needs to know beyond its name: Weibo takes links to the app's own domain only.
OPTIONS = {"weibo": {"security_domain": "127.0.0.1"}, "bluesky": {"name": "gulou-tea"}}
# Which control call tells a sandbox where its webhooks go.
CALLBACKS = {"wechat": ("callback", {"mode": "safe"}), "weibo": ("webhook", {})}


class SeedRefused(Exception):
    """The demo workspace could not be made; the message has the answer that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccess:
    """How to get into the demo workspace."""

    api_key: str = field(repr=False)
    reviewer_api_key: str = field(repr=False)
    email: str
    password: str = field(repr=False)


async def seed_members(database_url: str, known: DemoAccess | None) -> DemoAccess:
    """Make the demo workspace where there is none, with API keys for its owner and its reviewer.

    What is `known` from the last start stays good, so that a client survives a restart.
    """
    db = Database(database_url, application="drumtower-seed")
    now = SystemClock().now()
    password = known.password if known else secrets.token_urlsafe(12)
    try:
        async with db.transaction() as tx:
            await ensure_partitions(tx, now)
            owner = await _member(tx, OWNER, "林岚", Role.OWNER)
            reviewer = await _member(tx, REVIEWER, "周审", Role.REVIEWER)
            owner.password_hash = password_hash(password)
            return DemoAccess(
                api_key=await _key(tx, owner, known.api_key if known else None),
                reviewer_api_key=await _key(tx, reviewer, known.reviewer_api_key if known else None),
                email=OWNER,
                password=password,
            )
    finally:
        await db.close()


async def _member(tx: Tx, email: str, name: str, role: Role) -> Member:
    found = await tx.scalar(select(Member).where(Member.email == email))
    if found is not None:
        return found
    made = Member(
        id=new_id(),
        workspace_id=await _workspace(tx),
        email=email,
        name=name,
        role=role.value,
        external=False,
        created_at=SystemClock().now(),
    )
    tx.add(made)
    await tx.flush()  # its key refers to it
    return made


async def _workspace(tx: Tx) -> UUID:
    owner = await tx.scalar(select(Member).where(Member.email == OWNER))
    if owner is not None:
        return owner.workspace_id
    workspace = Workspace(
        id=new_id(), name="鼓楼茶业", timezone="Asia/Shanghai", created_at=SystemClock().now()
    )
    tx.add(workspace)
    await tx.flush()  # its members refer to it
    return workspace.id


async def _key(tx: Tx, member: Member, known: str | None) -> str:
    mine = ApiKey.member_id == member.id, ApiKey.name == KEY_NAME
    if known is not None and await tx.scalar(
        select(ApiKey).where(*mine, ApiKey.key_hash == token_hash(known))
    ):
        return known
    await tx.execute(delete(ApiKey).where(*mine))
    token = new_token("dt")
    key = ApiKey(
        workspace_id=member.workspace_id,
        member_id=member.id,
        name=KEY_NAME,
        prefix=token[:8],
        key_hash=token_hash(token),
        scopes=[],
        created_at=SystemClock().now(),
    )
    tx.add(key)
    return token


def seed_channels(api: str, api_key: str, sandbox: dict[str, str]) -> None:
    """Connect one channel for each of the demo's platforms, and tell each sandbox where its webhooks go."""
    with httpx.Client(
        base_url=api, headers={"Authorization": f"Bearer {api_key}"}, timeout=30, trust_env=False
    ) as client:
        brand = _brand(client)
        channels = {c["platform"]: c for c in _get(client, "/v1/channels")["data"]}
        for platform in PLATFORMS:
            base_url, channel = sandbox[platform], channels.get(platform)
            if channel is None:
                channel = _connect(client, brand, platform, base_url)
            elif channel["base_url"] != base_url:
                _ok(client.patch(f"/v1/channels/{channel['id']}", json={"base_url": base_url}))
            if platform in CALLBACKS:
                _point_webhooks(api, platform, base_url, channel)


def _brand(client: httpx.Client) -> str:
    brands = _get(client, "/v1/brands")["data"]
    if brands:
        return str(brands[0]["id"])
    new = {
        "name": "鼓楼茶",
        "positioning": "给办公室的好茶",
        "tone": "温和、具体、不夸张",
        "pillars": ["产品", "茶知识", "人"],
        "banned_words": ["全网最低"],
    }
    return str(_ok(client.post("/v1/brands", json=new))["id"])


def _connect(client: httpx.Client, brand: str, platform: str, base_url: str) -> dict[str, Any]:
    account = {"name": "鼓楼茶", **OPTIONS.get(platform, {})}
    opened = _ok(httpx.post(f"{base_url}/control/accounts", json=account, timeout=30, trust_env=False))
    wanted = {field["name"] for field in _get(client, f"/v1/platforms/{platform}")["auth"]["fields"]}
    body = {
        "platform": platform,
        "name": f"鼓楼茶 · {platform}",
        "brand_id": brand,
        "base_url": base_url,
        "credentials": {name: value for name, value in opened.items() if name in wanted},
    }
    return _ok(client.post("/v1/channels", json=body))


def _point_webhooks(api: str, platform: str, base_url: str, channel: dict[str, Any]) -> None:
    verb, more = CALLBACKS[platform]
    url = f"{api}/v1/webhooks/{platform}/{channel['id']}"
    body = {"account": channel["account_id"], "url": url, **more}
    _ok(httpx.post(f"{base_url}/control/{verb}", json=body, timeout=30, trust_env=False))


def _get(client: httpx.Client, path: str) -> dict[str, Any]:
    return _ok(client.get(path))


def _ok(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise SeedRefused(
            f"{response.request.method} {response.url.path}: {response.status_code} {response.text[:500]}"
        )
    answer: dict[str, Any] = response.json() if response.content else {}
    return answer


def secret_keys(file: Path, new: str) -> str:
    """Return this instance's encryption keys; the first start writes `new`. Lose the file, lose the credentials."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(new, encoding="utf-8")
    return file.read_text(encoding="utf-8").strip()
