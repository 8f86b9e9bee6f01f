"""Hostile platform answers, by their numbers in the list of hostile inputs: each ends where somebody sees what happened.

All of them on every reconcile class: the fault run `hostile`. docs/reference/reliability.md says where the others are.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drumtower.adapters.weibo.adapter import WeiboAdapter
from drumtower.db.models import Delivery
from drumtower.domain.deliveries import State
from drumtower.platforms import Published
from services.scheduler.twins import NOT_ITS_OWN
from tests.factories import make_image
from tests.scheduler.conftest import MakeStage
from tests.scheduler.stage import Stage

SHARE = "statuses/share"
LONG = "9" * 10_000
AT = "Mon Nov 23 16:00:00 +0800 2026"
RESTING = {State.PUBLISHED, State.FAILED, State.HELD}


async def settled(stage: Stage, planned: Delivery, turns: int = 14) -> Delivery:
    """Let time pass until it rests, or a person is asked."""
    for _ in range(turns):
        await stage.turn()
        row = await stage.delivery(planned)
        if State(row.state) in RESTING or row.needs_check:
            break
        await stage.pass_time(90_000)
    return row


async def covered(wechat: Stage) -> Delivery:
    await wechat.control("settings", {"publish_delay": 0.0})
    return await wechat.schedule(asset_ids=(await make_image(wechat.db, wechat.storage, wechat.team),))


async def tried(stage: Stage, **fault: Any) -> Delivery:
    await stage.fault(path=SHARE, **fault)
    row = await settled(stage, await stage.schedule())
    assert await stage.fired() == 1
    return row


async def its_only_post(stage: Stage, row: Delivery) -> dict[str, Any]:
    """Return the one post that is out, which must be the one that is told of."""
    [post] = await stage.remote_posts()
    assert (row.state, row.external_id) == (State.PUBLISHED, post["id"]), row.error
    return post


@pytest.mark.long
@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(200, "", id="85-empty"),
        pytest.param(200, "<html>hello</html>", id="85-html"),
        pytest.param(200, json.dumps({"id": None, "created_at": AT}), id="85-null-id"),
        pytest.param(200, json.dumps({"id": LONG, "created_at": AT}), id="86-long-id"),
        pytest.param(400, "{}", id="88-400-although-created"),
        pytest.param(200, '{"id":1,"created_at":"2026-11-23T16:00:00"}', id="95-time-without-zone"),
    ],
)
async def test_created_whatever_was_answered(weibo: Stage, status: int, body: str) -> None:
    row = await tried(weibo, status=status, body=body, acts=True)
    await its_only_post(weibo, row)


@pytest.mark.long
async def test_87_created_and_not_found_when_read_back(weibo: Stage) -> None:
    await weibo.fault(path="user_timeline", status=404, body="{}", times=2)
    await weibo.fault(path=SHARE, status=502, acts=True)
    row = await settled(weibo, await weibo.schedule())
    assert await weibo.fired() == 3
    await its_only_post(weibo, row)


@pytest.mark.long
async def test_87_accepted_and_not_found_when_asked(wechat: Stage) -> None:
    await wechat.fault(path="freepublish/get", status=404, body="{}", times=2)
    row = await settled(wechat, await covered(wechat))
    assert await wechat.fired() == 2
    assert row.state == State.PUBLISHED, row.error
    assert len(await wechat.remote_posts()) == 1


@pytest.mark.parametrize("words", ["Wed, 99 Foo", "-5", "1e9"])
async def test_89_a_wait_that_is_none(weibo: Stage, words: str) -> None:
    await weibo.fault(path=SHARE, status=429, headers={"Retry-After": words}, body="{}")
    planned = await weibo.schedule()
    await weibo.turn()
    row = await weibo.delivery(planned)
    assert (row.state, row.attempts) == (State.RETRYING, 0)
    assert row.next_at is not None
    assert timedelta(minutes=4) < row.next_at - datetime.now(UTC) < timedelta(minutes=6)


@pytest.mark.long
async def test_90_refused_at_every_second_call(wechat: Stage) -> None:
    body = '{"errcode":40001,"errmsg":"invalid credential"}'
    for _ in range(40):
        await wechat.fault(status=401, body=body, skip=1)
    row = await settled(wechat, await covered(wechat))
    assert await wechat.fired() > 1
    assert State(row.state) in RESTING, "neither lost nor tried for ever"
    assert len(await wechat.remote_posts()) == (row.state == State.PUBLISHED)


@pytest.mark.long
@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://user@evil.example/"]
)
async def test_91_an_address_that_is_none(make_stage: MakeStage, url: str) -> None:
    stage = await make_stage("mastodon")
    account = {"id": "1", "acct": "a", "username": "a", "url": url, "display_name": "a"}
    told = {"id": "1", "url": url, "uri": url, "created_at": "2026-11-23T16:00:00.000Z", "account": account}
    await stage.fault(path="v1/statuses", status=200, body=json.dumps(told), acts=True)
    row = await settled(stage, await stage.schedule())
    assert await stage.fired() == 1
    assert (row.state, row.external_id) == (State.PUBLISHED, "1")
    assert row.external_url is None


async def test_92_an_error_that_quotes_our_token(weibo: Stage) -> None:
    token = weibo.account["access_token"]
    body = json.dumps({"error_code": 20021, "error": f"access_token={token} Bearer {token}"})
    row = await tried(weibo, status=400, body=body)
    assert row.state == State.FAILED
    assert token not in str(row.error)
    assert all(token not in str(one.detail) for one in await weibo.attempts(row))


class TestTheSameIdForTwoPosts:
    """96."""

    @pytest.mark.long
    async def test_what_can_be_looked_up_is(self, weibo: Stage) -> None:
        first = await settled(weibo, await weibo.schedule(body="第一条"))
        lie = json.dumps({"id": first.external_id, "created_at": AT})
        await weibo.fault(path=SHARE, status=200, body=lie, acts=True)
        second = await settled(weibo, await weibo.schedule(body="第二条"))
        assert await weibo.fired() == 1
        assert second.state == State.PUBLISHED
        assert {first.external_id, second.external_id} == {post["id"] for post in await weibo.remote_posts()}
        assert len(await weibo.remote_posts()) == 2
        assert NOT_ITS_OWN in [one.detail for one in await weibo.attempts(second)]

    async def test_where_the_look_says_so_too_a_person_is_asked(
        self, weibo: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = await settled(weibo, await weibo.schedule(body="第一条"))
        assert first.external_id is not None
        told = Published(external_id=first.external_id)

        async def find(*_: object) -> Published:
            return told

        monkeypatch.setattr(WeiboAdapter, "find", find)
        await weibo.fault(path=SHARE, status=502, acts=True)
        second = await settled(weibo, await weibo.schedule(body="第二条"))
        assert (second.state, second.needs_check, second.external_id) == (State.UNKNOWN, True, None)
        assert NOT_ITS_OWN in str(second.error)
