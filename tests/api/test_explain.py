"""Why a delivery has (not) gone out, and the work list of those that only a person can settle."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Attempt
from services.api.languages import Language, choose
from tests.api.desk import Json, answer, edit, planned, problems, row, set_row
from tests.factories import Team, make_channel

PAGE = "https://weibo.com/u/1"
ASKED = {"code": "needs_check", "detail": "no way to look it up", "hint": ""}


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> UUID:
    return await make_channel(db, team, box, account_url=PAGE)


@pytest.fixture
async def delivery(client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID) -> Json:
    _, [made] = await planned(client, reviewer, team, [channel])
    return made


async def explain(client: httpx.AsyncClient, delivery: Json, language: str = "en") -> Json:
    got = await client.get(f"/v1/deliveries/{delivery['id']}/explain", headers={"Accept-Language": language})
    assert "Accept-Language" in got.headers["vary"]
    assert got.headers["content-language"] == choose(language).value
    return answer(got)


async def doubt(db: Database, delivery: Json) -> None:
    """Bring it to where only a person can tell."""
    now = datetime.now(UTC)
    await set_row(
        db,
        delivery["id"],
        state="unknown",
        needs_check=True,
        sent_at=now,
        next_at=now + timedelta(hours=6),
        error=ASKED,
        attempts=1,
        fence=3,
        lookups=4,
    )


async def test_a_planned_one(client: httpx.AsyncClient, delivery: Json, team: Team) -> None:
    told = await explain(client, delivery)
    assert told["sentence"].startswith("It is planned for ")
    assert (told["state"], told["who"], told["do"], told["reasons"]) == ("planned", "drumtower", None, [])
    assert told["next"] == {"step": "send", "at": delivery["due_at"]}
    assert told["retryable"] == "yes"
    assert "cancel" in told["allowed"]
    assert told["look_at"] == PAGE
    [first] = told["timeline"]
    assert (first["step"], first["actor"]["kind"], first["actor"]["id"]) == (
        "planned",
        "member",
        str(team.owner_id),
    )
    assert first["actor"]["name"]
    assert "自动发送" in (await explain(client, delivery, "zh-CN,zh;q=0.9,en;q=0.8"))["sentence"]


async def test_it_names_what_stands_in_the_way(
    client: httpx.AsyncClient, db: Database, delivery: Json, channel: UUID
) -> None:
    answer(await edit(client, {"id": delivery["post_id"]}, body="改了"))
    told = await explain(client, delivery)
    assert (told["state"], told["reasons"][0]["code"], told["who"]) == ("held", "approval_outdated", "person")
    assert "edited after its approval" in told["sentence"]
    answer(await client.delete(f"/v1/channels/{channel}"))
    codes = [one["code"] for one in (await explain(client, delivery))["reasons"]]
    assert codes[:2] == ["channel_disconnected", "approval_outdated"]


@pytest.mark.long
async def test_a_failed_one_says_whether_a_retry_helps(
    client: httpx.AsyncClient, db: Database, delivery: Json
) -> None:
    error = {"code": "content_rejected", "detail": "含有敏感词", "hint": "", "platform_code": "20019"}
    await set_row(db, delivery["id"], state="failed", next_at=None, error=error, attempts=1)
    told = await explain(client, delivery)
    assert "20019: 含有敏感词" in told["sentence"]
    assert (told["platform_code"], told["retryable"], told["who"]) == ("20019", "no", "person")
    assert told["do"]
    assert told["next"] is None


class TestWorkList:
    async def test_only_what_a_person_must_settle(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        wanted = {"needs_check": "true"}
        assert answer(await client.get("/v1/deliveries", params=wanted))["data"] == []
        await doubt(db, delivery)
        [listed] = answer(await client.get("/v1/deliveries", params=wanted))["data"]
        assert (listed["id"], listed["look_at"], listed["needs_check"]) == (delivery["id"], PAGE, True)
        assert listed["allowed"] == ["reconcile"]
        assert answer(await client.get("/v1/deliveries", params={"needs_check": "false"}))["data"] == []
        assert answer(await stranger.get("/v1/deliveries", params=wanted))["data"] == []
        told = await explain(client, delivery)
        assert (told["who"], told["retryable"], told["next"]["step"]) == ("person", "unknown", "look_up")

    async def test_a_platform_without_pages_leads_to_its_console(
        self,
        client: httpx.AsyncClient,
        delivery: Json,
        db: Database,
        team: Team,
        box: Box,
    ) -> None:
        console = await make_channel(db, team, box, platform="wechat")
        await doubt(db, delivery)
        await set_row(db, delivery["id"], channel_id=console, platform="wechat")
        shown = answer(await client.get(f"/v1/deliveries/{delivery['id']}"))
        assert shown["look_at"] == "https://mp.weixin.qq.com/"

    @pytest.mark.long
    @pytest.mark.parametrize(
        ("body", "state", "reasons"),
        [
            ({"verdict": "live", "url": f"{PAGE}/abc"}, "published", []),
            ({"verdict": "absent"}, "failed", ["absent"]),
            ({"verdict": "send_again", "not_there": True}, "retrying", []),
        ],
    )
    async def test_the_verdict_and_who_gave_it(
        self,
        client: httpx.AsyncClient,
        db: Database,
        team: Team,
        delivery: Json,
        body: Json,
        state: str,
        reasons: list[str],
    ) -> None:
        await doubt(db, delivery)
        done = answer(await client.post(f"/v1/deliveries/{delivery['id']}/reconcile", json=body))
        assert (done["state"], done["needs_check"], done["look_at"]) == (state, False, None)
        told = await explain(client, delivery)
        assert [one["code"] for one in told["reasons"]] == reasons
        verdicts = [one for one in told["timeline"] if one["step"] == "reconcile"]
        assert [one["actor"]["id"] for one in verdicts] == [str(team.owner_id)]
        assert "reconciled" not in [one["step"] for one in told["timeline"]], "told once"
        kept = await row(db, delivery["id"])
        assert kept.fence == 4, "a look-up under way writes nothing"
        assert (kept.next_at is not None) is (state == "retrying")

    async def test_absent_sends_nothing_until_somebody_says_so(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        await doubt(db, delivery)
        answer(await client.post(f"/v1/deliveries/{delivery['id']}/reconcile", json={"verdict": "absent"}))
        told = await explain(client, delivery)
        assert (told["retryable"], told["next"]) == ("yes", None)
        assert {"retry", "cancel"} <= set(told["allowed"])
        again = answer(await client.post(f"/v1/deliveries/{delivery['id']}/retry"))
        assert again["state"] == "retrying"

    @pytest.mark.long
    async def test_sending_again_takes_the_word_of_who_looked(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        await doubt(db, delivery)
        address = f"/v1/deliveries/{delivery['id']}/reconcile"
        asked: Json = {"verdict": "send_again", "url": PAGE}
        refused = problems(await client.post(address, json=asked))
        assert refused == {"/not_there": "absence_unconfirmed", "/url": "proof_unexpected"}
        asked = {"verdict": "live", "url": PAGE, "not_there": True}
        assert problems(await client.post(address, json=asked)) == {"/not_there": "proof_unexpected"}
        assert (await row(db, delivery["id"])).state == "unknown"


async def test_the_timeline_has_what_the_engine_and_the_platform_did(
    client: httpx.AsyncClient, db: Database, delivery: Json, team: Team
) -> None:
    start = datetime.now(UTC)
    steps = [("send", "outcome_unknown"), ("reconcile", "absent"), ("event", "published")]
    async with db.transaction() as tx:
        for number, (step, outcome) in enumerate(steps):
            at = start + timedelta(seconds=number)
            tx.add(
                Attempt(
                    workspace_id=team.workspace_id,
                    delivery_id=UUID(delivery["id"]),
                    number=1,
                    fence=number,
                    step=step,
                    outcome=outcome,
                    started_at=at,
                    ended_at=at,
                )
            )
    lines = [(one["step"], one["actor"]["kind"]) for one in (await explain(client, delivery))["timeline"]]
    assert lines == [
        ("planned", "member"),
        ("send", "engine"),
        ("reconcile", "engine"),
        ("event", "platform"),
    ]


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", Language.EN),
        ("zh", Language.ZH_CN),
        ("zh-Hans-CN,zh;q=0.8", Language.ZH_CN),
        ("en-GB;q=0.5, zh-TW;q=0.9", Language.ZH_CN),
        ("fr, de;q=0.9", Language.EN),
        ("zh;q=0, fr", Language.EN),
        ("zh;q=nonsense", Language.EN),
        (";;;,,,=", Language.EN),
        ("en,zh", Language.EN),
    ],
)
def test_the_language_asked_for(accepted: str, chosen: Language) -> None:
    assert choose(accepted) is chosen
