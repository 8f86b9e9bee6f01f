"""Webhooks: proved, stored once with what they say, answered in time; everything else leaves nothing behind."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update

from drumtower.crypto import Box, new_key
from drumtower.db.engine import Database
from drumtower.db.models import Channel, InboundEvent, Interaction
from drumtower.domain.deliveries import State
from drumtower.sandbox.sealed import cdata, element
from services.api.deps import Services
from services.api.webhooks.door import DOOR
from tests.api.desk import Stopped, stop
from tests.conftest import client_for
from tests.factories import Team, make_team
from tests.feedback.rows import (
    AT,
    FAN,
    Push,
    count,
    finished_xml,
    interactions,
    make_channel,
    make_delivery,
    message_xml,
    push,
    reload,
)

ENCRYPT = (
    "Q3stYC6hdFzMh9T8HCvyDFYqp+WRA4JhXTSMyMJMcetdiNVcMrNQ+2F56y/mfUu3Y4LInJDVRkvC9NdfgBajX6iiH0b3eYx4BrQj38aij6GV"
    "sretRh+BY2s+ShTVXdbeRalRDbAiutSr3QIa01TsGmJN97jzXSmWpRxMYMhd5ySJ+xF95DgTMQxaH+yAW8vwQ+i7S921Uz1uB0AKyV+2a3vu"
    "pwk0Aq0mhaAg8S524wxA3XeEJOHs4TxX5XOymVFd/GsaRDRwXqWl+11Mkfu+RhI5uP0/XNUAj0MphkU8uwSnf0iKwTIjYuOjQgSa3mj9tziK"
    "r0At+vj/OaHx+pYXtpLKaTevJUD9qd0bxAAeVnBlIubl/VJgM+0VKdbABGO9S0blRGDyPcMXifbHW5hfGsOyezzlpiTnmyYwAbb2aPg="
)
VECTOR = Push(
    query={
        "signature": "e4a4a1cd86f1792634ecf73373d72f4abdb3b847",
        "timestamp": "1767225600",
        "nonce": "837465029",
        "openid": FAN,
        "encrypt_type": "aes",
        "msg_signature": "9f6f9c8d5e99fd34a655d25d464ddcb94b0d849b",
    },
    body=f"<xml>{cdata('ToUserName', 'gh_0a1b2c3d4e5f')}{cdata('Encrypt', ENCRYPT)}</xml>".encode(),
)


@pytest.fixture
def clock(app: FastAPI) -> Stopped:
    """The API's clock, stopped at the moment of the worked example."""
    return stop(app, AT)


@pytest.fixture
async def platform(app: FastAPI, clock: Stopped) -> AsyncIterator[httpx.AsyncClient]:
    """WeChat's servers."""
    async with client_for(app, None) as made:
        yield made


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> Channel:
    return await make_channel(db, team, box)


async def nothing_is_stored(db: Database) -> None:
    assert (await count(db, InboundEvent), await count(db, Interaction)) == (0, 0)


async def refused(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code


async def until_taken(one: Push, platform: httpx.AsyncClient, channel: Channel) -> None:
    """Push as platforms do: what is not taken is sent again, and nothing but "taken" and "later" is an answer."""
    for _ in range(10):
        answer = await one.to(platform, channel)
        if answer.status_code == 200:
            assert answer.text == "success"
            return
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        await asyncio.sleep(0.2)
    raise AssertionError("never taken")


class TestTaken:
    async def test_the_worked_example(
        self, platform: httpx.AsyncClient, db: Database, channel: Channel
    ) -> None:
        answer = await VECTOR.to(platform, channel)
        assert (answer.status_code, answer.text) == (200, "success")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        (said,) = await interactions(db, channel.id)
        assert (said.text, said.kind, said.author_id) == ("你好", "message", FAN)
        assert (said.occurred_at, said.received_at) == (AT, AT)
        async with db.transaction() as tx:
            (raw,) = (await tx.scalars(select(InboundEvent))).all()
        assert (raw.body, raw.query, raw.fault) == (VECTOR.body, VECTOR.query, None)
        assert raw.workspace_id == said.workspace_id == channel.workspace_id

    @pytest.mark.long
    async def test_the_same_event_eight_times_at_once(
        self, platform: httpx.AsyncClient, db: Database, channel: Channel
    ) -> None:
        for first in range(1, 101, 5):
            wave = [
                push(message_xml(n, f"第{n}条", AT, author=f"fan-{n % 9}"), AT)
                for n in range(first, first + 5)
            ]
            await asyncio.gather(*(until_taken(one, platform, channel) for one in wave * 8))
        assert (await count(db, InboundEvent), await count(db, Interaction)) == (100, 100)

    async def test_a_repeat_is_answered_and_changes_nothing(
        self, platform: httpx.AsyncClient, db: Database, channel: Channel, clock: Stopped
    ) -> None:
        await VECTOR.to(platform, channel)
        (before,) = await interactions(db, channel.id)
        clock.moment = AT + timedelta(seconds=299)
        answer = await VECTOR.to(platform, channel)
        assert (answer.status_code, answer.text) == (200, "success")
        (after,) = await interactions(db, channel.id)
        assert (after.id, after.received_at, after.revision) == (before.id, AT, 1)
        assert await count(db, InboundEvent) == 1

    async def test_another_body_under_the_same_id_is_a_repeat(
        self, platform: httpx.AsyncClient, db: Database, channel: Channel
    ) -> None:
        for said in ("第一", "第二"):
            assert (await push(message_xml(7, said, AT), AT).to(platform, channel)).text == "success"
        assert [row.text for row in await interactions(db, channel.id)] == ["第一"]

    async def test_a_disconnected_channel_still_listens(
        self, platform: httpx.AsyncClient, db: Database, channel: Channel
    ) -> None:
        async with db.transaction() as tx:
            await tx.execute(update(Channel).values(status="disconnected"))
        assert (await VECTOR.to(platform, channel)).text == "success"
        assert await count(db, Interaction) == 1

    async def test_other_events_are_kept_raw(
        self, platform: httpx.AsyncClient, db: Database, channel: Channel
    ) -> None:
        head = cdata("ToUserName", channel.account_id) + cdata("FromUserName", FAN)
        fields = cdata("MsgType", "event") + cdata("Event", "subscribe") + cdata("EventKey", "")
        followed = f"<xml>{head}{element('CreateTime', int(AT.timestamp()))}{fields}</xml>"
        assert (await push(followed, AT).to(platform, channel)).text == "success"
        assert (await count(db, InboundEvent), await count(db, Interaction)) == (1, 0)

    async def test_an_entry_that_can_not_be_stored_is_kept_raw(
        self, platform: httpx.AsyncClient, db: Database, channel: Channel
    ) -> None:
        async with db.transaction() as tx:
            await tx.execute(text("ALTER TABLE interactions ADD CHECK (text <> '你好')"))
        assert (await VECTOR.to(platform, channel)).text == "success"
        async with db.transaction() as tx:
            (raw,) = (await tx.scalars(select(InboundEvent))).all()
        assert raw.body == VECTOR.body
        assert "violates check constraint" in str(raw.fault)


class TestAddressCheck:
    async def test_the_worked_example(self, platform: httpx.AsyncClient, channel: Channel) -> None:
        query = {name: VECTOR.query[name] for name in ("signature", "timestamp", "nonce")}
        address = f"/v1/webhooks/wechat/{channel.id}"
        answer = await platform.get(address, params={**query, "echostr": "5837397576500011341"})
        assert (answer.status_code, answer.text) == (200, "5837397576500011341")
        assert answer.headers["x-content-type-options"] == "nosniff"
        hostile = await platform.get(address, params={**query, "echostr": "<script>1</script>"})
        # Signed as it is, it goes back as it came, and as nothing that a browser would run.
        assert hostile.headers["content-type"].startswith("text/plain")
        assert hostile.headers["x-content-type-options"] == "nosniff"
        forged = await platform.get(address, params={**query, "nonce": "1", "echostr": "1"})
        await refused(forged, 401, "signature_invalid")


class TestOutcomes:
    @pytest.mark.parametrize("state", [State.ACCEPTED, State.UNKNOWN])
    async def test_a_finished_publish_settles_its_delivery(
        self, platform: httpx.AsyncClient, db: Database, team: Team, channel: Channel, state: State
    ) -> None:
        waiting = await make_delivery(
            db, team, channel, state=state.value, handle={"publish_id": "2247503051", "polls": 0}
        )
        event = push(finished_xml("2247503051", AT), AT)
        answers = await asyncio.gather(*(event.to(platform, channel) for _ in range(8)))
        assert {answer.text for answer in answers} == {"success"}
        settled = await reload(db, waiting)
        assert (settled.state, settled.external_id) == (State.PUBLISHED, "b5O2OUarticle")
        assert settled.context["msg_data_id"] == "2247483650"
        assert await count(db, InboundEvent) == 1

    async def test_a_refused_publish_fails_its_delivery(
        self, platform: httpx.AsyncClient, db: Database, team: Team, channel: Channel
    ) -> None:
        waiting = await make_delivery(db, team, channel, handle={"publish_id": "9"})
        await push(finished_xml("9", AT, status=4), AT).to(platform, channel)
        settled = await reload(db, waiting)
        assert settled.state == State.FAILED
        assert settled.error is not None
        assert settled.error["code"] == "content_rejected"

    async def test_an_outcome_before_our_own_record_is_kept_raw(
        self, platform: httpx.AsyncClient, db: Database, team: Team, channel: Channel
    ) -> None:
        sending = await make_delivery(db, team, channel, state="sending")
        assert (await push(finished_xml("9", AT), AT).to(platform, channel)).text == "success"
        assert (await reload(db, sending)).state == State.SENDING
        assert await count(db, InboundEvent) == 1


class TestRefused:
    async def test_forged_stale_and_malformed(
        self, platform: httpx.AsyncClient, db: Database, channel: Channel, clock: Stopped
    ) -> None:
        bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml>&b;</xml>'
        cases = [
            (replace(VECTOR, query=VECTOR.query | {"msg_signature": "0" * 40}), 401, "signature_invalid"),
            (replace(VECTOR, query=VECTOR.query | {"nonce": "837465028"}), 401, "signature_invalid"),
            (replace(VECTOR, query={}), 401, "signature_invalid"),
            (replace(VECTOR, body=VECTOR.body.replace(b"Q3st", b"Q3su")), 401, "signature_invalid"),
            (push(message_xml(1, "好", AT), AT, mode="plain"), 401, "encryption_required"),
            (push(message_xml(1, "好", AT, account="gh_other"), AT), 401, "appid_mismatch"),
            (replace(VECTOR, body=b""), 400, "body_malformed"),
            (replace(VECTOR, body=b"{}"), 400, "body_malformed"),
            (replace(VECTOR, body=bomb.encode()), 400, "body_malformed"),
            (push(bomb, AT), 400, "body_malformed"),
            (push("<xml></xml>", AT), 400, "body_malformed"),
            (replace(VECTOR, body=b"<" * 65_537), 413, "body_too_large"),
            (replace(VECTOR, body=b"<" * 262_145), 413, "body_too_large"),
            (replace(VECTOR, query=VECTOR.query | {"x": "\x00"}), 400, "body_malformed"),
        ]
        for case, status, code in cases:
            await refused(await case.to(platform, channel), status, code)
        for seconds in (-301, 301):
            clock.moment = AT + timedelta(seconds=seconds)
            await refused(await VECTOR.to(platform, channel), 401, "timestamp_stale")
        await nothing_is_stored(db)

    async def test_another_tenants_event_with_our_secret(
        self, platform: httpx.AsyncClient, db: Database, team: Team, box: Box, channel: Channel
    ) -> None:
        theirs = await make_channel(db, await make_team(db), box, "gh_theirs")
        meant_for_them = push(message_xml(1, "好", AT, account="gh_theirs"), AT)
        await refused(await meant_for_them.to(platform, channel), 401, "appid_mismatch")
        await nothing_is_stored(db)
        assert (await meant_for_them.to(platform, theirs)).text == "success"
        (said,) = await interactions(db, theirs.id)
        assert said.workspace_id == theirs.workspace_id != team.workspace_id

    async def test_addresses_that_name_nobody_look_alike(
        self, platform: httpx.AsyncClient, db: Database, team: Team, box: Box, channel: Channel
    ) -> None:
        deaf = await make_channel(db, team, box, "did:plc:x", platform="bluesky")
        orphan = await make_channel(db, team, box, "orphan", platform="gone")
        seen = set()
        for address in (
            f"wechat/{uuid4()}",
            f"weibo/{channel.id}",
            f"nothing/{channel.id}",
            f"bluesky/{deaf.id}",
            f"gone/{orphan.id}",
            "wechat/1",
            f"wechat/{channel.id}%00",
        ):
            answer = await platform.post(f"/v1/webhooks/{address}", params=VECTOR.query, content=VECTOR.body)
            problem = answer.json()
            seen.add((answer.status_code, problem["code"], problem["detail"]))
            assert (await platform.get(f"/v1/webhooks/{address}")).status_code == 404
        assert seen == {(404, "not_found", "There is no webhook at this address.")}
        await nothing_is_stored(db)

    async def test_other_methods(self, platform: httpx.AsyncClient, channel: Channel) -> None:
        for method in ("PUT", "PATCH", "DELETE"):
            answer = await platform.request(method, f"/v1/webhooks/wechat/{channel.id}")
            assert answer.status_code == 405

    async def test_an_endless_body_is_cut_off(
        self, platform: httpx.AsyncClient, db: Database, channel: Channel
    ) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while sent < 50 * 1024 * 1024:
                sent += 65_536
                yield b"x" * 65_536

        await refused(await VECTOR.to(platform, channel, content=endless()), 413, "body_too_large")
        await nothing_is_stored(db)

    @pytest.mark.long
    async def test_a_body_that_does_not_come_is_not_waited_for(
        self, platform: httpx.AsyncClient, db: Database, channel: Channel
    ) -> None:
        async def dripping() -> AsyncIterator[bytes]:
            for byte in VECTOR.body:
                yield bytes([byte])
                await asyncio.sleep(0.2)

        started = time.monotonic()
        await refused(await VECTOR.to(platform, channel, content=dripping()), 408, "body_incomplete")
        assert time.monotonic() - started < 4
        await nothing_is_stored(db)


class TestTrouble:
    async def test_the_database_is_away(
        self, platform: httpx.AsyncClient, app: FastAPI, channel: Channel
    ) -> None:
        services: Services = app.state.services
        gone = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", application="tests")
        app.state.services = replace(services, db=gone)
        answer = await VECTOR.to(platform, channel)
        await refused(answer, 503, "database_unavailable")
        assert answer.headers["retry-after"] == "2"
        await gone.close()

    @pytest.mark.long
    async def test_a_database_that_stands_still_is_not_waited_for(
        self, platform: httpx.AsyncClient, db: Database, channel: Channel
    ) -> None:
        for table in ("channels", "inbound_events", "conversations"):
            async with db.transaction() as tx:
                await tx.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
                started = time.monotonic()
                answer = await VECTOR.to(platform, channel)
                assert time.monotonic() - started < 5
                await refused(answer, 503, "database_unavailable")
        await nothing_is_stored(db)
        assert (await VECTOR.to(platform, channel)).text == "success"
        assert await count(db, Interaction) == 1

    async def test_a_full_house_says_later(
        self,
        platform: httpx.AsyncClient,
        db: Database,
        channel: Channel,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(DOOR, "inside", DOOR.most)
        answer = await VECTOR.to(platform, channel)
        await refused(answer, 503, "too_busy")
        assert answer.headers["retry-after"] == "1"
        await nothing_is_stored(db)
        monkeypatch.setattr(DOOR, "inside", DOOR.most - 1)
        for _ in range(2):  # whoever leaves makes room, refused or not
            assert (await VECTOR.to(platform, channel)).text == "success"
            await refused(await replace(VECTOR, query={}).to(platform, channel), 401, "signature_invalid")

    async def test_credentials_that_no_key_opens(
        self, platform: httpx.AsyncClient, app: FastAPI, channel: Channel, db: Database
    ) -> None:
        services: Services = app.state.services
        app.state.services = replace(services, box=Box(new_key()))
        await refused(await VECTOR.to(platform, channel), 503, "credentials_unreadable")
        await nothing_is_stored(db)


async def test_two_signatures_in_one_query(
    platform: httpx.AsyncClient, db: Database, channel: Channel
) -> None:
    """The last one counts, as it does for the adapter; the first may be whatever it likes."""
    for first, last, status in (("0" * 40, VECTOR.query["msg_signature"], 200), ("", "0" * 40, 401)):
        query = urlencode([("msg_signature", first), *VECTOR.query.items(), ("msg_signature", last)])
        answer = await platform.post(f"/v1/webhooks/wechat/{channel.id}", params=query, content=VECTOR.body)
        assert answer.status_code == status
    assert await count(db, Interaction) == 1


async def test_a_fresh_signature_is_checked_against_the_real_clock(
    app: FastAPI, db: Database, channel: Channel
) -> None:
    now = datetime.now(UTC)
    async with client_for(app, None) as platform:
        assert (await push(message_xml(1, "好", now), now).to(platform, channel)).text == "success"
        await refused(await VECTOR.to(platform, channel), 401, "timestamp_stale")
    assert await count(db, Interaction) == 1


@pytest.mark.parametrize("asks", [False, True], ids=["being looked up", "waiting for a person"])
async def test_the_platforms_own_news_settles_the_unknown_with_no_look_up(
    platform: httpx.AsyncClient, db: Database, team: Team, box: Box, client: httpx.AsyncClient, asks: bool
) -> None:
    """R20: we know the platform's job, not how it ended; then the platform tells."""
    channel = await make_channel(db, team, box)
    lost = await make_delivery(
        db, team, channel, state="unknown", needs_check=asks, fence=4, handle={"publish_id": "100000001"}
    )
    assert (await push(finished_xml("100000001", AT), AT).to(platform, channel)).status_code == 200
    out = await reload(db, lost)
    assert (out.state, out.needs_check, out.lookups) == (State.PUBLISHED, False, 0)
    assert out.external_id == "b5O2OUarticle"
    assert out.fence == 5, "a look-up under way writes nothing"
    told = (await client.get(f"/v1/deliveries/{lost.id}/explain")).json()
    steps = {(one["step"], one["actor"]["kind"]) for one in told["timeline"]}
    assert steps == {("planned", "member"), ("event", "platform")}
    again = await push(finished_xml("100000001", AT), AT).to(platform, channel)
    assert again.status_code == 200
    assert (await reload(db, lost)).revision == out.revision
