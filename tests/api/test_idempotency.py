"""Idempotency-Key (A3, A5): a repeat replays the first answer; what failed was never there."""

import asyncio
from collections import Counter

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text

from drumtower.db.engine import Database
from drumtower.db.models import Brand, IdempotencyKey
from services.api.idempotency import Idempotency
from tests.api.desk import answer, problems
from tests.conftest import client_for
from tests.factories import Team

BRANDS = "/v1/brands"


async def create(client: httpx.AsyncClient, key: str, name: str = "茶", path: str = BRANDS) -> httpx.Response:
    return await client.post(path, json={"name": name}, headers={"Idempotency-Key": key})


async def count(db: Database, model: type[Brand] | type[IdempotencyKey]) -> int:
    async with db.transaction() as tx:
        return int(await tx.scalar(select(func.count()).select_from(model)) or 0)


@pytest.mark.long
async def test_fifty_equal_requests_make_one_thing(
    client: httpx.AsyncClient, db: Database, team: Team
) -> None:
    before = await count(db, Brand)
    for key in ("one", "two"):
        answers = await asyncio.gather(*(create(client, key) for _ in range(50)))
        found = Counter(answer.status_code for answer in answers)
        assert set(found) <= {201, 409}
        made = [answer for answer in answers if answer.status_code == 201]
        assert len({answer.text for answer in made}) == 1
        first = [answer for answer in made if "idempotent-replayed" not in answer.headers]
        assert len(first) == 1
        assert all(a.headers["location"] == first[0].headers["location"] for a in made)
        waiting = [answer.json()["code"] for answer in answers if answer.status_code == 409]
        assert set(waiting) <= {"request_in_flight"}
        # Whoever was told to wait gets the answer when it asks again.
        late = await create(client, key)
        assert (late.status_code, late.json()) == (201, first[0].json())
        assert late.headers["idempotent-replayed"] == "true"
        before += 1
        assert await count(db, Brand) == before


async def test_a_key_belongs_to_one_request(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, app: FastAPI, team: Team, db: Database
) -> None:
    first = answer(await create(client, "k"), 201)
    other = await create(client, "k", "别的")
    assert problems(other) == {"header idempotency-key": "idempotency_key_reused"}
    # The same JSON in other bytes is another body: nobody guesses what was meant.
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    spaced = await client.post(BRANDS, content='{ "name": "茶" }'.encode(), headers=headers)
    assert problems(spaced) == {"header idempotency-key": "idempotency_key_reused"}
    # Another workspace, another principal, another operation: independent.
    theirs = answer(await create(stranger, "k", "别的"), 201)
    assert theirs["id"] != first["id"]
    key = answer(await create(client, "k", "茶", "/v1/api-keys"), 201)
    async with client_for(app, key["key"]) as machine:
        assert answer(await create(machine, "k", "又一个"), 201)["id"] != first["id"]
    assert await count(db, IdempotencyKey) == 4


async def test_what_failed_is_not_remembered(client: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    assert problems(await create(client, "fix", "")) == {"/name": "invalid_string"}
    broken = await client.post(
        BRANDS, content=b"{", headers={"Idempotency-Key": "fix", "Content-Type": "application/json"}
    )
    assert problems(broken) == {"": "not_json"}
    made = await create(client, "fix", "茶")
    assert made.status_code == 201
    assert "idempotent-replayed" not in made.headers
    answer(await create(reviewer, "fix"), 403)


async def test_a_crash_leaves_neither_key_nor_thing(
    client: httpx.AsyncClient, db: Database, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is stored in the transaction that makes it true: whatever ends one ends both."""
    before = await count(db, Brand)
    remember = Idempotency.remember

    async def dies(self: Idempotency, *given: object) -> None:
        await remember(self, *given)  # type: ignore[arg-type]
        raise RuntimeError("killed between the insert and the commit")

    with monkeypatch.context() as patched:
        patched.setattr(Idempotency, "remember", dies)
        answer(await create(client, "crash"), 500)
    async with db.transaction() as tx:
        # The server ends the connection while the request waits for it: the commit never comes.
        await tx.execute(text("LOCK TABLE brands IN ACCESS EXCLUSIVE MODE"))
        pending = asyncio.create_task(create(client, "crash"))
        blocked = text(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'drumtower-api' AND wait_event_type = 'Lock'"
        )
        async with asyncio.timeout(10):
            while not (pids := (await tx.scalars(blocked)).all()):  # noqa: ASYNC110 - it happens in the server
                await asyncio.sleep(0.02)
        await tx.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pids[0]})
        cut = await pending
    assert (cut.status_code, cut.json()["code"]) == (503, "database_unavailable")
    assert await count(db, Brand) == before
    assert await count(db, IdempotencyKey) == 0
    again = await create(client, "crash")
    assert again.status_code == 201
    assert "idempotent-replayed" not in again.headers
    assert await count(db, Brand) == before + 1


async def test_keys_are_short_and_printable(client: httpx.AsyncClient, db: Database) -> None:
    """Input 41."""
    for bad in (b"", b"x" * 256, b"x" * 10_000, b"a\tb", "键".encode(), b"a\x1bb", b"\xff"):
        refused = await client.post(BRANDS, json={"name": "x"}, headers={b"Idempotency-Key": bad})
        assert problems(refused) == {"header idempotency-key": "idempotency_key"}, bad
    twice = httpx.Headers([("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("Authorization", "")])
    twice["Authorization"] = client.headers["Authorization"]
    made = await client.post(BRANDS, json={"name": "x"}, headers=twice)
    assert made.status_code in (201, 422)
    for good in ("x" * 255, '"quoted"', "8e03978e-40d5-43e8-bc93-6894a57f9324", "a b"):
        answer(await create(client, good), 201)


async def test_stored_answers_are_sealed(client: httpx.AsyncClient, db: Database) -> None:
    made = await create(client, "seal", "很秘密的品牌")
    async with db.transaction() as tx:
        row = (await tx.scalars(select(IdempotencyKey))).one()
        dump = str((await tx.execute(text("SELECT * FROM idempotency_keys"))).all())
    assert row.status == 201
    assert row.location == made.headers["location"]
    assert row.body is not None
    assert "很秘密的品牌".encode() not in row.body
    assert made.json()["id"] not in dump.replace(made.headers["location"], "")
