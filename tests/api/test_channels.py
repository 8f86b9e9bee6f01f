"""Channels: connected over HTTP against the sandbox platforms, and their secrets kept."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, text, update

from drumtower import telemetry
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import AuditEvent, Channel, Delivery
from drumtower.db.repositories.deliveries import payload_of, plan
from drumtower.domain.content import Content, Kind, Nature, for_channel
from drumtower.domain.deliveries import Action, State
from drumtower.domain.ids import new_id
from drumtower.sandbox.app import create_app
from drumtower.settings import Settings
from drumtower.testkit.serving import serve
from tests.api.desk import Json, answer, problems
from tests.factories import Team, make_channel

PLATFORMS = ("weibo", "wechat", "bluesky", "mastodon")


@pytest.fixture
async def sandbox() -> AsyncIterator[str]:
    """All sandbox platforms, at one address."""
    async with serve(create_app()) as base_url:
        yield base_url


async def open_account(client: httpx.AsyncClient, sandbox: str, platform: str) -> Json:
    """Open an account on the sandbox, and return what its owner is told to enter."""
    async with httpx.AsyncClient() as plain:
        made = await plain.post(f"{sandbox}/{platform}/control/accounts", json={"name": "鼓楼茶"})
    wanted = answer(await client.get(f"/v1/platforms/{platform}"))["auth"]["fields"]
    opened = made.json()
    return {field["name"]: opened[field["name"]] for field in wanted if field["name"] in opened}


async def control(sandbox: str, platform: str, *faults: Json) -> None:
    async with httpx.AsyncClient() as plain:
        (await plain.post(f"{sandbox}/{platform}/control/faults", json=list(faults))).raise_for_status()


def new_channel(team: Team, sandbox: str, platform: str, credentials: Json, **fields: Any) -> Json:
    made = {
        "platform": platform,
        "name": f"鼓楼茶 · {platform}",
        "brand_id": str(team.brand_id),
        "credentials": credentials,
        "base_url": f"{sandbox}/{platform}",
    }
    return made | fields


async def connect(
    client: httpx.AsyncClient, team: Team, sandbox: str, platform: str = "weibo"
) -> tuple[Json, Json]:
    """Return a new channel and its credentials."""
    credentials = await open_account(client, sandbox, platform)
    made = await client.post("/v1/channels", json=new_channel(team, sandbox, platform, credentials))
    return answer(made, 201), credentials


async def secrets_of(client: httpx.AsyncClient, platform: str, *entered: Json) -> list[str]:
    """Return those of the values entered that may appear nowhere."""
    fields = answer(await client.get(f"/v1/platforms/{platform}"))["auth"]["fields"]
    secret = [field["name"] for field in fields if field["secret"]]
    found = [values[name] for values in entered for name in secret]
    assert found
    assert all(len(value) >= 12 for value in found), "too short: it may appear by chance"
    return found


async def everything(db: Database) -> str:
    """Return all that the database holds."""
    async with db.transaction() as tx:
        names = await tx.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        rows = [(await tx.execute(text(f'SELECT * FROM "{name}"'))).all() for name in names.all()]  # noqa: S608
    return str(rows)


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_connect_and_keep_the_secrets(
    client: httpx.AsyncClient,
    team: Team,
    db: Database,
    sandbox: str,
    platform: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Nothing that was entered comes out again: not in answers, logs or the database (S9)."""
    telemetry.configure(service="api")  # the log goes to what is stderr now
    channel, credentials = await connect(client, team, sandbox, platform)
    address = f"/v1/channels/{channel['id']}"
    assert (channel["platform"], channel["status"]) == (platform, "connected")
    assert channel["account_id"]
    assert channel["account_name"]
    read = await client.get(address)
    assert read.json() == channel
    listed = await client.get("/v1/channels", params={"platform": platform, "status": "connected"})
    assert listed.json()["data"] == [channel]
    assert (await client.get("/v1/channels", params={"status": "disconnected"})).json()["data"] == []
    probed = await client.post(f"{address}/probe")
    assert answer(probed)["status"] == "connected"
    if channel["webhook_url"] is not None:
        assert channel["webhook_url"].endswith(f"/v1/webhooks/{platform}/{channel['id']}")

    broken = {name: value[:-1] + ("a" if value[-1] != "a" else "b") for name, value in credentials.items()}
    refused = await client.patch(address, json={"credentials": broken})
    assert problems(refused) == {"/credentials": "credentials_refused"}
    dump = await everything(db)
    seen = "".join(capfd.readouterr()) + dump + read.text + listed.text + probed.text + refused.text
    assert channel["id"] in dump
    for secret in await secrets_of(client, platform, credentials, broken):
        for form in (secret, base64.b64encode(secret.encode()).decode(), secret.encode().hex()):
            assert form not in seen


@pytest.mark.long
async def test_what_is_wrong_is_said_at_once(
    client: httpx.AsyncClient, team: Team, sandbox: str, stranger: httpx.AsyncClient
) -> None:
    channel, credentials = await connect(client, team, sandbox)
    some = dict(list(credentials.items())[1:])
    missing = next(iter(credentials))

    async def refused(expected: int = 422, **fields: Any) -> dict[str, str]:
        asked = new_channel(team, sandbox, "weibo", credentials) | fields
        return problems(await client.post("/v1/channels", json=asked), expected)

    assert await refused(credentials=some | {"pin": "1", "puk": "2"}) == {
        f"/credentials/{missing}": "field_missing",
        "/credentials/pin": "unknown_field",
        "/credentials/puk": "unknown_field",
    }
    assert await refused(platform="myspace") == {"/platform": "unknown_platform"}
    assert await refused(credentials={**credentials, missing: "wrong"}) == {
        "/credentials": "credentials_refused"
    }
    assert await refused(status="connected") == {"/status": "unknown_field"}
    assert await refused(409) == {}
    assert await refused(404, brand_id=str(new_id())) == {}
    for base_url in ("ftp://x", "http://user@evil.example", "http://", "//x", "http://x\\y", "javascript:1"):
        assert await refused(base_url=base_url) == {"/base_url": "invalid_string"}
    # The same account is another workspace's business.
    theirs = answer(await stranger.get("/v1/brands"))["data"][0]["id"]
    asked = new_channel(team, sandbox, "weibo", credentials, brand_id=theirs)
    answer(await stranger.post("/v1/channels", json=asked), 201)
    stolen = new_channel(
        team, sandbox, "weibo", await open_account(client, sandbox, "weibo"), brand_id=theirs
    )
    answer(await client.post("/v1/channels", json=stolen), 404)
    assert answer(await client.get("/v1/channels"))["data"] == [channel]


async def test_the_account_stays_the_same(client: httpx.AsyncClient, team: Team, sandbox: str) -> None:
    channel, credentials = await connect(client, team, sandbox)
    address = f"/v1/channels/{channel['id']}"
    other = await open_account(client, sandbox, "weibo")
    wrong = await client.patch(address, json={"credentials": other})
    assert answer(wrong, 409)["code"] == "wrong_account"
    right = await client.patch(address, json={"credentials": credentials, "name": "新名字"})
    assert answer(right)["name"] == "新名字"
    assert answer(await client.patch(address, json={"name": "又一个"}))["account_id"] == channel["account_id"]
    assert problems(await client.patch(address, json={"name": None})) == {"/name": "null_not_allowed"}
    assert problems(await client.patch(address, json={"account_id": "1"})) == {"/account_id": "unknown_field"}


async def test_another_accounts_credentials_change_nothing(
    client: httpx.AsyncClient, team: Team, db: Database, sandbox: str
) -> None:
    """A channel that has lost its account's consent takes that account's back, and nobody else's."""
    channel, credentials = await connect(client, team, sandbox)
    channel_id = UUID(channel["id"])
    async with db.transaction() as tx:
        row = await tx.get_one(Channel, channel_id, with_for_update=True)
        row.status, row.status_detail = "disconnected", "21332"
        kept = row.credentials
    other = await open_account(client, sandbox, "weibo")
    address = f"/v1/channels/{channel_id}"
    refused = answer(await client.patch(address, json={"credentials": other}), 409)
    assert refused["code"] == "wrong_account"
    assert channel["account_name"] in refused["detail"]
    async with db.transaction() as tx:
        row = await tx.get_one(Channel, channel_id)
    assert (row.credentials, row.status, row.status_detail) == (kept, "disconnected", "21332")
    again = answer(await client.patch(address, json={"credentials": credentials}))
    assert (again["status"], again["status_detail"]) == ("connected", None)


async def test_what_was_held_goes_on_one_by_one(
    client: httpx.AsyncClient, team: Team, db: Database, sandbox: str, settings: Settings
) -> None:
    channel, credentials = await connect(client, team, sandbox)
    address = f"/v1/channels/{channel['id']}"
    waiting = [await planned(db, team, UUID(channel["id"])) for _ in range(3)]
    answer(await client.delete(address))
    answer(await client.patch(address, json={"credentials": credentials}))
    rows = [await delivery(db, one) for one in waiting]
    assert {row.state for row in rows} == {State.PLANNED}
    times = [row.next_at for row in rows]
    first = times[0]
    assert first is not None
    gap = settings.release_gap
    assert times == [first, first + gap, first + 2 * gap]


async def test_keyed_connecting_is_replayed(client: httpx.AsyncClient, team: Team, sandbox: str) -> None:
    asked = new_channel(team, sandbox, "weibo", await open_account(client, sandbox, "weibo"))
    key = {"Idempotency-Key": "connect-1"}
    first = await client.post("/v1/channels", json=asked, headers=key)
    again = await client.post("/v1/channels", json=asked, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = await client.post("/v1/channels", json=asked | {"name": "x"}, headers=key)
    assert problems(other) == {"header idempotency-key": "idempotency_key_reused"}


async def test_disconnecting_holds_what_waits(
    client: httpx.AsyncClient, team: Team, db: Database, sandbox: str
) -> None:
    channel, credentials = await connect(client, team, sandbox)
    address = f"/v1/channels/{channel['id']}"
    waiting = await planned(db, team, UUID(channel["id"]))
    gone = answer(await client.delete(address))
    assert gone["status"] == "disconnected"
    assert answer(await client.delete(address))["status"] == "disconnected"
    held = await delivery(db, waiting)
    assert held.state == State.HELD
    assert held.error is not None
    assert held.error["code"] == "channel_disconnected"
    async with db.transaction() as tx:
        row = await tx.get_one(Channel, UUID(channel["id"]))
        assert row.token is None
    again = answer(await client.patch(address, json={"credentials": credentials}))
    assert again["status"] == "connected"
    released = await delivery(db, waiting)
    assert (released.state, released.error) == (State.PLANNED, None)
    async with db.transaction() as tx:
        verbs = (await tx.scalars(select(AuditEvent.verb).order_by(AuditEvent.id))).all()
    assert verbs[0] == "channel.connected"
    assert verbs[-1] == "channel.reconnected"


async def planned(db: Database, team: Team, channel_id: UUID) -> UUID:
    """Add a delivery that is due now, and return its id."""
    async with db.transaction() as tx:
        channel = await tx.get_one(Channel, channel_id)
        content = Content(title="", body="茶", kind=Kind.IMAGE_TEXT, nature=Nature.EDITORIAL)
        made = plan(
            workspace_id=team.workspace_id,
            channel_id=channel_id,
            platform=channel.platform,
            action=Action.PUBLISH,
            payload=payload_of(for_channel(content, channel_id)),
            due_at=channel.created_at,
            created_by=team.owner_id,
            now=channel.created_at,
        )
        tx.add(made)
    return made.id


async def delivery(db: Database, delivery_id: UUID) -> Delivery:
    async with db.transaction() as tx:
        return await tx.get_one(Delivery, delivery_id)


async def test_a_platform_that_is_down_is_its_own_fault(
    client: httpx.AsyncClient, team: Team, sandbox: str
) -> None:
    channel, _ = await connect(client, team, sandbox)
    credentials = await open_account(client, sandbox, "weibo")
    nowhere = new_channel(team, "http://127.0.0.1:9", "weibo", credentials, base_url="http://127.0.0.1:9")
    down = await client.post("/v1/channels", json=nowhere)
    assert (down.status_code, down.json()["code"]) == (502, "platform_error"), down.text
    assert down.headers["content-type"] == "application/problem+json"
    address = f"/v1/channels/{channel['id']}"
    moved = await client.patch(address, json={"base_url": "http://127.0.0.1:9"})
    assert moved.status_code == 502
    # What failed changed nothing.
    assert answer(await client.get(address)) == channel
    assert not any(secret in down.text for secret in await secrets_of(client, "weibo", credentials))


async def test_a_channel_has_a_role_among_the_others(
    client: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    channel = await make_channel(db, team, box)
    path = f"/v1/channels/{channel}"
    assert answer(await client.get(path))["matrix_role"] is None, "nobody has said"
    assert answer(await client.patch(path, json={"matrix_role": "core"}))["matrix_role"] == "core"
    listed = answer(await client.get("/v1/channels", params={"matrix_role": "core"}))
    assert [one["id"] for one in listed["data"]] == [str(channel)]
    assert answer(await client.get("/v1/channels", params={"matrix_role": "watch"}))["data"] == []
    assert (await client.patch(path, json={"matrix_role": "boss"})).status_code == 422
    assert answer(await client.patch(path, json={"matrix_role": None}))["matrix_role"] is None
    answer(await client.patch(path, json={"matrix_role": None}))
    answer(await client.patch(path, json={"name": "Tea in Tianjin", "matrix_role": "core"}))
    async with db.transaction() as tx:
        entries = await tx.scalars(
            select(AuditEvent).where(AuditEvent.subject_id == channel).order_by(AuditEvent.id)
        )
        changes = [entry.detail["fields"] for entry in entries]
    assert changes == [["matrix_role"], ["matrix_role"], ["matrix_role", "name"]], "what stays is no change"


async def test_whose_authorisation_runs_out_is_seen_and_found(
    client: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    lasting, ending, over = [await make_channel(db, team, box) for _ in range(3)]
    now = datetime.now(UTC)
    ends = {lasting: timedelta(days=30), ending: timedelta(days=6, hours=23), over: timedelta(minutes=-1)}
    async with db.transaction() as tx:
        for channel_id, left in ends.items():
            await tx.execute(update(Channel).where(Channel.id == channel_id).values(authorise_by=now + left))

    async def within(days: int) -> set[str]:
        found = answer(await client.get("/v1/channels", params={"authorise_within_days": days}))["data"]
        return {one["id"] for one in found}

    assert await within(1) == {str(over)}
    assert await within(7) == {str(over), str(ending)}
    assert await within(31) == {str(over), str(ending), str(lasting)}
    for days in (0, 366):
        refused = await client.get("/v1/channels", params={"authorise_within_days": days})
        assert problems(refused).keys() == {"?authorise_within_days"}
    for channel_id, left in ends.items():
        health = answer(await client.get(f"/v1/channels/{channel_id}/health"))
        said = f"Authorise again by {now + left:%Y-%m-%d %H:%M} UTC." if left < timedelta(days=7) else None
        assert health["authorise_again"] == said
