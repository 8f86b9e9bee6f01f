"""Access: logging in, sessions, API keys, and what is refused without a reason given."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from limits import RateLimitItemPerMinute
from sqlalchemy import select, text, update

from drumtower.crypto import token_hash
from drumtower.db.engine import Database
from drumtower.db.models import ApiKey, AuditEvent, IdempotencyKey, Member, Session
from drumtower.domain.ids import new_id
from drumtower.domain.permissions import ROLES, Permission, Role
from services.api import limits
from tests.api.desk import answer, member, problems
from tests.conftest import client_for
from tests.factories import PASSWORD, Team


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def nobody(app: FastAPI) -> httpx.AsyncClient:
    """Somebody without a credential."""
    return client_for(app, None)


async def log_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/v1/auth/token", json={"email": email, "password": password})


def refusal(response: httpx.Response, status: int, code: str) -> str:
    """Return the sentence of a refusal that must be this one."""
    body = answer(response, status)
    assert response.headers["content-type"] == "application/problem+json"
    assert (body["status"], body["code"]) == (status, code)
    return str(body["detail"])


async def test_a_session_from_log_in_to_log_out(
    nobody: httpx.AsyncClient, team: Team, db: Database, settings: object
) -> None:
    tokens = answer(await log_in(nobody, f" {team.owner_email.upper()} "))
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 3600
    me = answer(await nobody.get("/v1/me", headers=bearer(tokens["access_token"])))
    assert (me["member_id"], me["workspace_id"]) == (str(team.owner_id), str(team.workspace_id))
    assert (me["role"], me["timezone"], me["api_key_id"]) == ("owner", "Asia/Shanghai", None)
    assert me["permissions"] == sorted(Permission)

    renewed = answer(await nobody.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]}))
    assert renewed["access_token"] != tokens["access_token"]
    # The access token before it is gone with it: a session has one.
    old = await nobody.get("/v1/me", headers=bearer(tokens["access_token"]))
    refusal(old, 401, "credentials_invalid")
    assert old.headers["www-authenticate"].startswith("Bearer")
    answer(await nobody.get("/v1/me", headers=bearer(renewed["access_token"])))

    async with db.transaction() as tx:
        [session] = (await tx.scalars(select(Session))).all()
        everything = " ".join(map(str, (await tx.execute(text("SELECT * FROM sessions"))).all()))
    assert session.access_hash == token_hash(renewed["access_token"])
    for secret in (*tokens.values(), *renewed.values()):
        assert str(secret) == "Bearer" or str(secret) not in everything

    ended = await nobody.post("/v1/auth/logout", headers=bearer(renewed["access_token"]))
    assert (ended.status_code, ended.content) == (204, b"")
    refusal(await nobody.get("/v1/me", headers=bearer(renewed["access_token"])), 401, "credentials_invalid")
    again = await nobody.post("/v1/auth/refresh", json={"refresh_token": renewed["refresh_token"]})
    refusal(again, 401, "refresh_failed")


@pytest.mark.long
async def test_a_replayed_refresh_token_ends_the_session(nobody: httpx.AsyncClient, team: Team) -> None:
    first = answer(await log_in(nobody, team.owner_email))
    other = answer(await log_in(nobody, team.owner_email))
    second = answer(await nobody.post("/v1/auth/refresh", json={"refresh_token": first["refresh_token"]}))
    # Somebody has a copy: nobody can say who, so both lose the session.
    stolen = await nobody.post("/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    refusal(stolen, 401, "refresh_failed")
    for token in (first["access_token"], second["access_token"]):
        refusal(await nobody.get("/v1/me", headers=bearer(token)), 401, "credentials_invalid")
    late = await nobody.post("/v1/auth/refresh", json={"refresh_token": second["refresh_token"]})
    refusal(late, 401, "refresh_failed")
    answer(await nobody.get("/v1/me", headers=bearer(other["access_token"])))


@pytest.mark.long
async def test_tokens_and_members_end(nobody: httpx.AsyncClient, team: Team, db: Database) -> None:
    tokens = answer(await log_in(nobody, team.owner_email))
    past = datetime.now(UTC) - timedelta(seconds=1)
    async with db.transaction() as tx:
        await tx.execute(update(Session).values(access_expires_at=past))
    refusal(await nobody.get("/v1/me", headers=bearer(tokens["access_token"])), 401, "credentials_invalid")
    async with db.transaction() as tx:
        await tx.execute(update(Session).values(refresh_expires_at=past))
    expired = await nobody.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    refusal(expired, 401, "refresh_failed")

    tokens = answer(await log_in(nobody, team.owner_email))
    async with db.transaction() as tx:
        await tx.execute(update(Member).where(Member.id == team.owner_id).values(ends_at=past))
    for token in (tokens["access_token"], team.owner_key):
        refusal(await nobody.get("/v1/me", headers=bearer(token)), 401, "credentials_invalid")
    refusal(await log_in(nobody, team.owner_email), 401, "log_in_failed")
    left = await nobody.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    refusal(left, 401, "refresh_failed")


@pytest.mark.long
async def test_refusals_tell_nothing(
    nobody: httpx.AsyncClient, team: Team, app: FastAPI, db: Database
) -> None:
    async with db.transaction() as tx:
        reviewer = await tx.get_one(Member, team.reviewer_id)  # has no password at all
    told = {
        refusal(await log_in(nobody, email, password), 401, "log_in_failed")
        for email, password in (
            (team.owner_email, "wrong"),
            (team.owner_email, PASSWORD + " "),
            (f"{new_id().hex}@example.com", PASSWORD),
            (reviewer.email, PASSWORD),
            ("' OR 1=1 --", "x"),
        )
    }
    assert len(told) == 1
    missing = await nobody.get("/v1/me")
    refusal(missing, 401, "credentials_missing")
    told = {
        refusal(await nobody.get("/v1/me", headers=bearer(token)), 401, "credentials_invalid")
        for token in ("dt_" + "x" * 43, "dta_" + "x" * 43, "dt_", team.owner_key[:-1], team.owner_key + "a")
    }
    assert len(told) == 1
    for header in ("Basic eDp5", "Bearer", "Bearer  ", f"bearer x{team.owner_key}", "dt_x"):
        other = await nobody.get("/v1/me", headers={"Authorization": header})
        refusal(other, 401, "credentials_missing")
    assert "password" not in (await log_in(nobody, "a@b.c", "hunter2 hunter2")).text.lower().replace(
        "e-mail and password", ""
    )


@pytest.mark.long
async def test_guessing_is_slowed_down(app: FastAPI, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """S8: known and unknown members alike."""
    assert limits.LOG_INS.amount == 10
    monkeypatch.setattr(limits, "LOG_INS", RateLimitItemPerMinute(3))  # passwords are slow to check
    for email in (team.owner_email, f"{new_id().hex}@example.com"):
        async with client_for(app, None) as guesser:
            answers = [await log_in(guesser, email, str(number)) for number in range(4)]
            assert [a.status_code for a in answers] == [401] * 3 + [429]
            assert answers[-1].json()["code"] == "too_many_log_ins"
            assert answers[-1].headers["retry-after"] == "60"
            right = await log_in(guesser, email)
            assert right.status_code == 429
    elsewhere = httpx.ASGITransport(app, client=("203.0.113.7", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://api.test") as owner:
        answer(await log_in(owner, team.owner_email))


async def test_keys_are_shown_once(client: httpx.AsyncClient, db: Database, app: FastAPI) -> None:
    expires = datetime.now(UTC) + timedelta(days=1)
    asked = {"name": "官网", "scopes": ["workspace.read"], "expires_at": expires.isoformat()}
    made = await client.post("/v1/api-keys", json=asked, headers={"Idempotency-Key": "once"})
    key = answer(made, 201)
    secret = key["key"]
    assert secret.startswith("dt_")
    assert len(secret) >= 3 + 43  # 256 bits
    assert key["prefix"] == secret[:8]
    assert made.headers["location"] == f"/v1/api-keys/{key['id']}"
    listed = (await client.get("/v1/api-keys")).text
    assert secret not in listed
    assert key["id"] in listed
    async with db.transaction() as tx:
        for table in ("api_keys", "audit_events", "idempotency_keys", "outbox_events"):
            rows = (await tx.execute(text(f"SELECT * FROM {table}"))).all()  # noqa: S608
            assert secret not in str(rows)
        sealed = (await tx.scalars(select(IdempotencyKey.body))).one()
        verbs = (await tx.scalars(select(AuditEvent.verb))).all()
    assert sealed is not None
    assert secret.encode() not in sealed
    assert verbs == ["api_key.created"]
    replayed = await client.post("/v1/api-keys", json=asked, headers={"Idempotency-Key": "once"})
    assert replayed.json() == key
    assert replayed.headers["idempotent-replayed"] == "true"

    async with client_for(app, secret) as machine:
        assert answer(await machine.get("/v1/me"))["api_key_id"] == key["id"]
        refused = await machine.post("/v1/brands", json={"name": "x"})
        refusal(refused, 403, "permission_missing")
        async with db.transaction() as tx:
            used = await tx.get_one(ApiKey, key["id"])
            assert used.last_used_at is not None
            past = datetime.now(UTC) - timedelta(seconds=1)
            await tx.execute(update(ApiKey).where(ApiKey.id == key["id"]).values(expires_at=past))
        refusal(await machine.get("/v1/me"), 401, "credentials_invalid")


async def test_keys_end_when_they_are_revoked(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, app: FastAPI, db: Database
) -> None:
    key = answer(await client.post("/v1/api-keys", json={"name": "x"}), 201)
    address = f"/v1/api-keys/{key['id']}"
    refusal(await stranger.delete(address), 404, "not_found")
    async with client_for(app, key["key"]) as machine:
        answer(await machine.get("/v1/me"))
        assert (await client.delete(address)).status_code == 204
        refusal(await machine.get("/v1/me"), 401, "credentials_invalid")
        refusal(await machine.post("/v1/auth/logout"), 401, "credentials_invalid")
    assert (await client.delete(address)).status_code == 204  # ended is ended
    async with db.transaction() as tx:
        verbs = (await tx.scalars(select(AuditEvent.verb).order_by(AuditEvent.id))).all()
    assert verbs == ["api_key.created", "api_key.revoked"]


async def test_keys_are_never_wider_than_their_maker(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, app: FastAPI
) -> None:
    asked = {"name": "x", "scopes": ["api_keys.write", "workspace.read"]}
    key = answer(await client.post("/v1/api-keys", json=asked), 201)
    async with client_for(app, key["key"]) as machine:
        wide = {"name": "y", "scopes": ["workspace.read", "posts.publish", "brands.write"]}
        wide["expires_at"] = "2020-01-01T00:00:00Z"
        assert problems(await machine.post("/v1/api-keys", json=wide)) == {
            "/scopes/1": "scope_too_wide",
            "/scopes/2": "scope_too_wide",
            "/expires_at": "time_in_past",
        }
        # No scopes means "all of the maker's", which are this key's, not its member's.
        whole = answer(await machine.post("/v1/api-keys", json={"name": "z"}), 201)
    async with client_for(app, whole["key"]) as child:
        assert answer(await child.get("/v1/me"))["permissions"] == ["api_keys.write", "workspace.read"]
    refusal(await reviewer.post("/v1/api-keys", json={"name": "x"}), 403, "permission_missing")
    assert problems(await client.post("/v1/api-keys", json={"name": "x", "scopes": ["everything"]})) == {
        "/scopes/0": "invalid_choice"
    }


async def test_roles_have_their_permissions(app: FastAPI, db: Database, team: Team) -> None:
    for role in Role:
        async with member(app, db, team, role) as one:
            assert answer(await one.get("/v1/me"))["permissions"] == sorted(ROLES[role])
    async with member(app, db, team, Role.ADMIN, external=True) as agency:
        may = set(answer(await agency.get("/v1/me"))["permissions"])
        assert may == ROLES[Role.ADMIN] - {Permission.POSTS_REVIEW, Permission.POSTS_PUBLISH}
