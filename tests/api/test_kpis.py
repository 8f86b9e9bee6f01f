"""Key figures over HTTP against numbers computed by hand, from samples through rollups to the answer."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from drumtower.db.engine import Database
from drumtower.db.models import Click, Conversion, Link
from drumtower.domain.ids import new_id
from drumtower.domain.kpi_dictionary import Kpi
from services.api.metrics.schemas import KpiListRead
from services.metrics import rollup
from tests.api.desk import statements
from tests.factories import Team
from tests.metrics.rows import local, make_channel, make_interaction, make_published, sample

NOVEMBER = {"from": "2026-11-01", "to": "2026-11-30"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Three channels with two weeks of numbers."""

    wechat: UUID
    weibo: UUID
    bluesky: UUID


@pytest.fixture
async def measured(db: Database, team: Team) -> Measured:
    """WeChat gives exposure, Weibo does not, Bluesky has published nothing."""
    made = Measured(
        wechat=await make_channel(db, team, "wechat"),
        weibo=await make_channel(db, team, "weibo"),
        bluesky=await make_channel(db, team, "bluesky"),
    )
    article = await make_published(db, team, made.wechat, local("2026-11-02T09:00"))
    status = await make_published(db, team, made.weibo, local("2026-11-02T09:00"))
    older = await make_published(db, team, made.weibo, local("2026-10-20T09:00"))
    async with db.transaction() as tx:

        async def read(channel: UUID, post: UUID | None, at: str, **values: int) -> None:
            await sample(tx, team, channel, post, local(at), **values)

        # Known before November: not November's.
        await read(made.weibo, older, "2026-10-31T23:30", likes=500, comments=20)
        await read(made.weibo, None, "2026-10-31T10:00", followers=10_000)
        await read(made.wechat, article, "2026-11-02T23:00", exposure=400, likes=10, comments=2, saves=1)
        await read(made.wechat, article, "2026-11-09T23:00", exposure=1000, likes=25, comments=5, saves=10)
        await read(made.wechat, None, "2026-11-02T08:00", followers=3000)
        await read(made.wechat, None, "2026-11-09T08:00", followers=3030)
        await read(made.weibo, status, "2026-11-02T10:00", likes=40, comments=4, shares=6)
        await read(made.weibo, status, "2026-11-02T20:00", likes=60, comments=10, shares=10)
        await read(made.weibo, older, "2026-11-03T10:00", likes=520, comments=20)
        await read(made.weibo, None, "2026-11-10T10:00", followers=10_150)
    while await rollup.step(db) is not None:
        pass
    return made


async def ask(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/metrics/kpis", params={**NOVEMBER, **params})
    assert answer.status_code == 200, answer.text
    KpiListRead.model_validate(answer.json())
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


def by(rows: list[dict[str, Any]], key: str) -> dict[Any, Any]:
    return {row["group"][key]: row["value"] for row in rows}


class TestSampled:
    async def test_exposure_is_partial_and_says_whom_it_lacks(
        self, client: httpx.AsyncClient, measured: Measured
    ) -> None:
        [row] = await ask(client, metrics="exposure")
        assert (row["metric"], row["group"], row["value"], row["unit"]) == ("exposure", {}, 1000, "count")
        assert row["basis"]["exposure"] == 1000
        assert row["basis"]["complete"] is False
        assert {m["channel_id"]: m["reason"] for m in row["basis"]["missing"]} == {
            str(measured.weibo): "not_given_by_platform",
            str(measured.bluesky): "not_given_by_platform",
        }
        assert row["freshness"] == {"oldest": "2026-11-09T15:00:00Z", "newest": "2026-11-09T15:00:00Z"}

    async def test_unknown_exposure_is_null_not_0(
        self, client: httpx.AsyncClient, measured: Measured
    ) -> None:
        rows = await ask(client, metrics="exposure", group_by="platform")
        assert by(rows, "platform") == {"wechat": 1000, "weibo": None, "bluesky": None}
        weibo = rows[1]
        assert (weibo["basis"]["reason"], weibo["freshness"]) == ("not_given_by_platform", None)

    async def test_engagement_rate_in_total_counts_channels_with_exposure_only(
        self, client: httpx.AsyncClient, measured: Measured
    ) -> None:
        [row] = await ask(client, metrics="engagement_rate")
        assert row["value"] == pytest.approx((25 + 5 + 10) / 1000)
        basis = row["basis"]
        assert (basis["denominator"], basis["engagements"], basis["exposure"]) == ("exposure", 40, 1000)
        assert basis["formula"] == "engagements / exposure"
        assert basis["engagement_metrics"] == ["likes", "comments", "saves"]
        assert {m["channel_id"]: m["reason"] for m in basis["missing"]} == {
            str(measured.weibo): "exposure_unknown",
            str(measured.bluesky): "not_given_by_platform",
        }
        assert basis["complete"] is False

    async def test_engagement_rate_by_followers_stands_alone(
        self, client: httpx.AsyncClient, measured: Measured
    ) -> None:
        [row] = await ask(client, metrics="engagement_rate", channel_id=str(measured.weibo))
        # 60 + 10 + 10 of the new status, and the 20 likes that the older one gained in November.
        assert row["value"] == pytest.approx(100 / 10_150)
        basis = row["basis"]
        assert (basis["denominator"], basis["engagements"], basis["followers"]) == ("followers", 100, 10_150)
        assert "exposure" not in basis
        assert (basis["complete"], basis["missing"]) == (True, [])

    async def test_follower_growth(self, client: httpx.AsyncClient, measured: Measured) -> None:
        rows = await ask(client, metrics="follower_growth", group_by="channel")
        assert by(rows, "channel_id") == {
            str(measured.wechat): 30,
            str(measured.weibo): 150,
            str(measured.bluesky): None,
        }
        wechat, weibo, bluesky = rows
        assert weibo["basis"]["base"] == 10_000
        assert weibo["basis"]["rate"] == pytest.approx(0.015)
        assert weibo["basis"]["complete"] is True
        # WeChat's first measurement ever is of the 2nd: what the 1st brought is not known.
        assert wechat["basis"]["missing"] == [
            {"channel_id": str(measured.wechat), "reason": "first_measured_in_period"}
        ]
        assert bluesky["basis"]["reason"] == "not_sampled"
        [total] = await ask(client, metrics="follower_growth")
        assert (total["value"], total["basis"]["base"]) == (180, 13_000)

    async def test_sums(self, client: httpx.AsyncClient, measured: Measured) -> None:
        rows = await ask(client, metrics="likes,comments,shares,saves,engagements")
        assert {row["metric"]: row["value"] for row in rows} == {
            "likes": 25 + 60 + 20,
            "comments": 5 + 10 + 0,
            "shares": 10,
            "saves": 10,
            "engagements": 140,
        }


class TestBuckets:
    async def test_days_of_the_workspace(self, client: httpx.AsyncClient, measured: Measured) -> None:
        rows = await ask(
            client,
            **{"from": "2026-11-01", "to": "2026-11-04"},
            metrics="likes",
            group_by="day",
            channel_id=str(measured.weibo),
        )
        assert by(rows, "day") == {
            "2026-11-01": None,
            "2026-11-02": 60,
            "2026-11-03": 20,
            "2026-11-04": None,
        }
        assert rows[0]["basis"]["reason"] == "not_sampled"

    async def test_weeks_and_months(self, client: httpx.AsyncClient, measured: Measured) -> None:
        weekly = await ask(
            client, **{"from": "2026-10-31", "to": "2026-11-10"}, metrics="exposure", group_by="week"
        )
        assert by(weekly, "week") == {"2026-10-26": None, "2026-11-02": 400, "2026-11-09": 600}
        monthly = await ask(
            client, **{"from": "2026-10-01", "to": "2026-11-30"}, metrics="likes", group_by="month"
        )
        assert by(monthly, "month") == {"2026-10-01": 500, "2026-11-01": 105}

    async def test_channel_and_day_together(self, client: httpx.AsyncClient, measured: Measured) -> None:
        rows = await ask(
            client,
            **{"from": "2026-11-09", "to": "2026-11-10"},
            metrics="follower_growth",
            group_by="channel,day",
        )
        assert {(row["group"]["channel_id"], row["group"]["day"]): row["value"] for row in rows} == {
            (str(measured.wechat), "2026-11-09"): 30,
            (str(measured.wechat), "2026-11-10"): None,
            (str(measured.weibo), "2026-11-09"): None,
            (str(measured.weibo), "2026-11-10"): 150,
            (str(measured.bluesky), "2026-11-09"): None,
            (str(measured.bluesky), "2026-11-10"): None,
        }

    async def test_followers_of_a_day_are_the_last_known_ones(
        self, client: httpx.AsyncClient, measured: Measured
    ) -> None:
        rows = await ask(
            client,
            **{"from": "2026-11-02", "to": "2026-11-02"},
            metrics="engagement_rate",
            group_by="day",
            channel_id=str(measured.weibo),
        )
        assert rows[0]["value"] == pytest.approx(80 / 10_000)


async def click(db: Database, team: Team, link: UUID, at: str, *, bot: bool = False) -> None:
    async with db.transaction() as tx:
        tx.add(
            Click(id=new_id(), clicked_at=local(at), workspace_id=team.workspace_id, link_id=link, bot=bot)
        )


async def make_link(db: Database, team: Team, channel: UUID | None) -> UUID:
    link = Link(
        id=new_id(),
        workspace_id=team.workspace_id,
        code=new_id().hex,
        target_url="https://shop.example.com/",
        name="",
        placement="",
        channel_id=channel,
        created_by=team.owner_id,
        created_at=local("2026-10-01"),
    )
    async with db.transaction() as tx:
        tx.add(link)
    return link.id


async def convert(db: Database, team: Team, link: UUID | None, channel: UUID | None, at: str) -> None:
    async with db.transaction() as tx:
        tx.add(
            Conversion(
                id=new_id(),
                workspace_id=team.workspace_id,
                external_id=new_id().hex,
                event="purchase",
                link_id=link,
                channel_id=channel,
                attributes={},
                occurred_at=local(at),
                created_at=local(at),
            )
        )


class TestConversionRate:
    @pytest.fixture(autouse=True)
    async def followed(self, db: Database, team: Team, measured: Measured) -> None:
        linked, loose = await make_link(db, team, measured.weibo), await make_link(db, team, None)
        for day in (1, 1, 2, 30):
            await click(db, team, linked, f"2026-11-{day:02}T12:00")
        await click(db, team, linked, "2026-11-01T12:00", bot=True)
        await click(db, team, loose, "2026-11-05T12:00")
        await click(db, team, linked, "2026-10-31T23:59:59")  # before
        await click(db, team, linked, "2026-12-01T00:00")  # after
        await convert(db, team, linked, measured.weibo, "2026-11-02T13:00")
        await convert(db, team, loose, None, "2026-11-05T13:00")
        await convert(db, team, None, None, "2026-11-05T13:00")
        await convert(db, team, linked, measured.weibo, "2026-12-01T00:00")

    async def test_in_total(self, client: httpx.AsyncClient) -> None:
        [row] = await ask(client, metrics="conversion_rate")
        assert row["value"] == pytest.approx(2 / 5)
        basis = row["basis"]
        assert (basis["conversions"], basis["clicks"], basis["bot_clicks"]) == (2, 5, 1)
        assert (basis["unattributed_conversions"], basis["complete"]) == (1, True)

    async def test_by_channel_with_what_hangs_on_none(
        self, client: httpx.AsyncClient, measured: Measured
    ) -> None:
        rows = await ask(client, metrics="conversion_rate", group_by="channel")
        assert by(rows, "channel_id") == {
            str(measured.wechat): None,
            str(measured.weibo): 0.25,
            str(measured.bluesky): None,
            None: 1.0,
        }
        assert rows[0]["basis"]["reason"] == "no_clicks"

    async def test_of_one_channel_and_by_day(self, client: httpx.AsyncClient, measured: Measured) -> None:
        rows = await ask(
            client,
            metrics="conversion_rate",
            group_by="day",
            channel_id=str(measured.weibo),
            **{"from": "2026-11-01", "to": "2026-11-02"},
        )
        assert by(rows, "day") == {"2026-11-01": 0.0, "2026-11-02": 1.0}


class TestResponseTime:
    @pytest.fixture(autouse=True)
    async def answered(self, db: Database, team: Team, measured: Measured) -> None:
        for channel, asked, answered in (
            (measured.weibo, "2026-11-02T10:00:00", "2026-11-02T10:01:00"),
            (measured.weibo, "2026-11-02T10:00:00", "2026-11-02T10:03:00"),
            (measured.weibo, "2026-10-31T23:00:00", "2026-11-01T01:00:00"),  # asked before, answered within
            (measured.bluesky, "2026-11-03T10:00:00", "2026-11-03T10:10:00"),
            (measured.weibo, "2026-11-30T23:00:00", "2026-12-01T00:00:00"),  # answered after
            (measured.weibo, "2026-11-04T10:00:00", None),
        ):
            when = local(answered) if answered else None
            await make_interaction(db, team, channel, local(asked), when)

    async def test_in_total(self, client: httpx.AsyncClient) -> None:
        [row] = await ask(client, metrics="response_time")
        # 60, 180, 600 and 7,200 s: the median lies between the middle two.
        assert (row["value"], row["unit"]) == (390.0, "seconds")
        assert (row["basis"]["answered"], row["basis"]["unanswered"]) == (4, 1)

    async def test_by_channel_and_day(self, client: httpx.AsyncClient, measured: Measured) -> None:
        rows = await ask(client, metrics="response_time", group_by="channel")
        assert by(rows, "channel_id") == {
            str(measured.wechat): None,
            str(measured.weibo): 180.0,
            str(measured.bluesky): 600.0,
        }
        daily = await ask(
            client, metrics="response_time", group_by="day", **{"from": "2026-11-01", "to": "2026-11-04"}
        )
        assert by(daily, "day") == {
            "2026-11-01": 7200.0,
            "2026-11-02": 120.0,
            "2026-11-03": 600.0,
            "2026-11-04": None,
        }
        assert daily[3]["basis"]["unanswered"] == 1


class TestQuestions:
    @pytest.mark.parametrize(
        ("params", "found"),
        [
            ({"metrics": "exposure,reach,"}, [("?metrics", "unknown_metric")] * 2),
            ({"from": "2026-12-01"}, [("?from", "from_after_to")]),
            ({"from": "2025-11-29"}, [("?to", "span_too_long")]),
            ({"from": "yesterday"}, [("?from", "invalid_date")]),
            ({"group_by": "channel,platform"}, [("?group_by", "group_by_invalid")]),
            ({"group_by": "pillar"}, [("?group_by", "group_by_invalid")]),
            ({"channel_id": "x"}, [("?channel_id.0", "invalid_uuid")]),
            ({"channel_id": "019a71c2-2f80-7c3e-9d55-7d3c0f6f2a11"}, [("?channel_id", "unknown_channel")]),
            ({"colour": "red"}, [("?colour", "unknown_parameter")]),
            (
                {"metrics": "reach", "from": "2026-12-01", "group_by": "x"},
                [
                    ("?metrics", "unknown_metric"),
                    ("?group_by", "group_by_invalid"),
                    ("?from", "from_after_to"),
                ],
            ),
        ],
    )
    async def test_what_is_refused(
        self, client: httpx.AsyncClient, params: dict[str, str], found: list[tuple[str, str]]
    ) -> None:
        refused = await client.get("/v1/metrics/kpis", params={**NOVEMBER, **params})
        assert refused.status_code == 422, refused.text
        assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == found

    async def test_366_days_are_allowed(self, client: httpx.AsyncClient) -> None:
        rows = await ask(
            client, **{"from": "2025-11-30", "to": "2026-11-30"}, metrics="exposure", group_by="day"
        )
        assert len(rows) == 366

    @pytest.mark.long
    async def test_the_main_figures_are_the_default(
        self, client: httpx.AsyncClient, measured: Measured
    ) -> None:
        assert [row["metric"] for row in await ask(client)] == [
            "exposure",
            "engagement_rate",
            "follower_growth",
            "conversion_rate",
            "response_time",
        ]

    async def test_an_empty_workspace_has_null_figures(self, client: httpx.AsyncClient) -> None:
        rows = await ask(client)
        assert [row["value"] for row in rows] == [None] * 5
        assert [row["basis"]["reason"] for row in rows] == [
            "no_channels",
            "no_channels",
            "no_channels",
            "no_clicks",
            "nothing_answered",
        ]

    async def test_strangers_see_nothing(self, stranger: httpx.AsyncClient, measured: Measured) -> None:
        assert [row["value"] for row in await ask(stranger)] == [None] * 5
        refused = await stranger.get(
            "/v1/metrics/kpis", params={**NOVEMBER, "channel_id": str(measured.weibo)}
        )
        assert refused.json()["code"] == "unknown_channel"

    async def test_dictionary(self, client: httpx.AsyncClient) -> None:
        listed = (await client.get("/v1/metrics/dictionary")).json()["data"]
        assert [one["kpi"] for one in listed] == list(Kpi)
        assert listed[0]["label"] == {"zh_cn": "曝光量", "en": "Exposure"}


class TestCost:
    async def test_all_figures_take_ten_queries_and_no_sample(
        self, client: httpx.AsyncClient, measured: Measured, app: FastAPI
    ) -> None:
        with statements(app) as seen:
            await ask(client, group_by="channel,day")
        assert len(seen) <= 12, seen
        assert not [statement for statement in seen if "samples" in statement]
