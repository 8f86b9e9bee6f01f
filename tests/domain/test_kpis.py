"""Formulas against numbers computed by hand; unknown is never 0; bases are never mixed."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from drumtower.domain import kpis
from drumtower.domain.figures import ChannelNumbers, Figure, Followers, Missing, Reason, total
from drumtower.domain.kpi_dictionary import BY_KPI, DICTIONARY, Kpi, reference
from drumtower.domain.samples import ENGAGEMENTS, Metric

MORNING = datetime(2026, 11, 1, 8, tzinfo=UTC)
WECHAT, WEIBO, BLUESKY = uuid4(), uuid4(), uuid4()
_ENGAGING = frozenset({Metric.LIKES, Metric.COMMENTS, Metric.SHARES, Metric.FOLLOWERS})


def channel(
    channel_id: UUID,
    *,
    followers: Followers | None = None,
    exposed: int | None = None,
    has_posts: bool = True,
    gives: frozenset[Metric] = _ENGAGING,
    **gains: int,
) -> ChannelNumbers:
    made = {Metric(name): gain for name, gain in gains.items()}
    return ChannelNumbers(
        channel_id=channel_id,
        gains=made,
        exposed_engagements=exposed if exposed is not None else total(made, ENGAGEMENTS),
        followers=followers,
        gives=gives,
        has_posts=has_posts,
        sampled_at=MORNING if made else None,
    )


def followers(growth: int | None, total: int, *, first: bool = False) -> Followers:
    return Followers(growth=growth, total=total, sampled_at=MORNING, first=first)


def lacks(figure: Figure) -> dict[UUID, Reason]:
    return {missing.channel_id: missing.reason for missing in figure.missing}


class TestGained:
    def test_adds_up_what_is_known_and_names_what_is_not(self) -> None:
        figure = kpis.gained(
            Metric.EXPOSURE, [channel(WECHAT, exposure=900), channel(WEIBO, likes=5), channel(BLUESKY)]
        )
        assert figure.value == 900
        assert not figure.complete
        assert lacks(figure) == {WEIBO: Reason.NOT_GIVEN, BLUESKY: Reason.NOT_GIVEN}

    def test_is_null_where_nobody_knows(self) -> None:
        figure = kpis.gained(Metric.EXPOSURE, [channel(WEIBO, likes=5)])
        assert (figure.value, figure.reason, figure.complete) == (None, Reason.NOT_GIVEN, False)

    def test_zero_is_a_value(self) -> None:
        figure = kpis.gained(Metric.LIKES, [channel(WEIBO, likes=0)])
        assert (figure.value, figure.reason, figure.complete) == (0, None, True)

    def test_a_channel_that_published_nothing_makes_nothing_incomplete(self) -> None:
        figure = kpis.gained(Metric.LIKES, [channel(WEIBO, likes=3), channel(BLUESKY, has_posts=False)])
        assert (figure.value, figure.complete) == (3, True)
        assert lacks(figure) == {BLUESKY: Reason.NOTHING_PUBLISHED}

    def test_a_channel_that_was_not_sampled_does(self) -> None:
        figure = kpis.gained(Metric.LIKES, [channel(WEIBO, likes=3), channel(BLUESKY)])
        assert (figure.value, figure.complete) == (3, False)
        assert lacks(figure) == {BLUESKY: Reason.NOT_SAMPLED}

    def test_no_channels(self) -> None:
        assert kpis.gained(Metric.LIKES, []).reason is Reason.NO_CHANNELS

    def test_losses_count(self) -> None:
        assert kpis.gained(Metric.LIKES, [channel(WEIBO, likes=-2), channel(BLUESKY, likes=5)]).value == 3


class TestEngagementRate:
    def test_by_exposure(self) -> None:
        figure = kpis.engagement_rate([channel(WECHAT, exposure=1000, likes=30, comments=5, saves=15)])
        assert figure.value == pytest.approx(0.05)
        assert figure.inputs == {"engagements": 50, "exposure": 1000}
        assert (figure.denominator, figure.complete) == ("exposure", True)
        assert figure.metrics == (Metric.LIKES, Metric.COMMENTS, Metric.SAVES)

    def test_counts_only_posts_whose_exposure_is_known(self) -> None:
        one = channel(WECHAT, exposure=1000, likes=80, exposed=20)
        assert kpis.engagement_rate([one]).value == pytest.approx(0.02)

    def test_by_followers_where_no_exposure_is_known(self) -> None:
        figure = kpis.engagement_rate(
            [
                channel(WEIBO, likes=30, followers=followers(0, 1000)),
                channel(BLUESKY, likes=10, comments=5, followers=followers(None, 500)),
            ]
        )
        assert figure.value == pytest.approx(45 / 1500)
        assert figure.inputs == {"engagements": 45, "followers": 1500}
        assert (figure.denominator, figure.complete) == ("followers", True)

    def test_never_mixes_both(self) -> None:
        figure = kpis.engagement_rate(
            [
                channel(WECHAT, exposure=1000, likes=50),
                channel(WEIBO, likes=400, followers=followers(0, 1000)),
                channel(BLUESKY, has_posts=False, gives=frozenset(Metric)),
            ]
        )
        assert figure.value == pytest.approx(0.05)
        assert figure.denominator == "exposure"
        assert figure.inputs == {"engagements": 50, "exposure": 1000}
        assert lacks(figure) == {WEIBO: Reason.EXPOSURE_UNKNOWN, BLUESKY: Reason.NOTHING_PUBLISHED}
        assert not figure.complete

    def test_a_channel_without_known_followers_is_missing(self) -> None:
        figure = kpis.engagement_rate(
            [channel(WEIBO, likes=30), channel(BLUESKY, likes=10, followers=followers(0, 100))]
        )
        assert figure.value == pytest.approx(0.1)
        assert lacks(figure) == {WEIBO: Reason.FOLLOWERS_UNKNOWN}

    @pytest.mark.parametrize("exposure", [0, -3])
    def test_no_exposure_is_no_rate(self, exposure: int) -> None:
        figure = kpis.engagement_rate([channel(WECHAT, exposure=exposure, likes=2)])
        assert (figure.value, figure.reason) == (None, Reason.ZERO_DENOMINATOR)
        assert figure.inputs == {"engagements": 2, "exposure": exposure}

    def test_no_followers_is_no_rate(self) -> None:
        figure = kpis.engagement_rate([channel(WEIBO, likes=2, followers=followers(0, 0))])
        assert (figure.value, figure.reason) == (None, Reason.ZERO_DENOMINATOR)

    def test_exposure_without_engagements_is_unknown(self) -> None:
        figure = kpis.engagement_rate([channel(WECHAT, exposure=100)])
        assert (figure.value, figure.reason) == (None, Reason.NOT_SAMPLED)

    def test_nothing_known(self) -> None:
        figure = kpis.engagement_rate([channel(WEIBO), channel(BLUESKY, has_posts=False)])
        assert (figure.value, figure.reason) == (None, Reason.NOT_SAMPLED)


class TestFollowerGrowth:
    def test_growth_base_and_rate(self) -> None:
        figure = kpis.follower_growth(
            [
                channel(WEIBO, followers=followers(50, 1050)),
                channel(BLUESKY, followers=followers(-10, 490)),
            ]
        )
        assert figure.value == 40
        assert figure.inputs == {"followers": 1540, "base": 1500, "rate": pytest.approx(40 / 1500)}
        assert figure.complete

    def test_first_measured_in_the_period_is_partial(self) -> None:
        figure = kpis.follower_growth([channel(WEIBO, followers=followers(3, 1003, first=True))])
        assert (figure.value, figure.complete) == (3, False)
        assert figure.missing == (Missing(channel_id=WEIBO, reason=Reason.FIRST_MEASURED),)

    def test_not_measured_in_the_period_is_unknown(self) -> None:
        figure = kpis.follower_growth([channel(WEIBO, followers=followers(None, 1000))])
        assert (figure.value, figure.reason) == (None, Reason.NOT_SAMPLED)

    def test_growth_from_nothing_has_no_rate(self) -> None:
        figure = kpis.follower_growth([channel(WEIBO, followers=followers(5, 5))])
        assert figure.inputs == {"followers": 5, "base": 0, "rate": None}


class TestConversionRate:
    def test_divides_by_people(self) -> None:
        figure = kpis.conversion_rate(conversions=3, clicks=60, bot_clicks=40, unattributed=2)
        assert figure.value == pytest.approx(0.05)
        assert figure.inputs["bot_clicks"] == 40
        assert figure.inputs["unattributed_conversions"] == 2

    def test_without_clicks_there_is_none(self) -> None:
        figure = kpis.conversion_rate(conversions=1, clicks=0, bot_clicks=9, unattributed=0)
        assert (figure.value, figure.reason) == (None, Reason.NO_CLICKS)


def test_response_time() -> None:
    assert kpis.response_time(median_seconds=90.5, answered=2, unanswered=1).value == 90.5
    silent = kpis.response_time(median_seconds=None, answered=0, unanswered=4)
    assert (silent.value, silent.reason) == (None, Reason.NOTHING_ANSWERED)
    assert silent.inputs == {"answered": 0, "unanswered": 4}


class TestDictionary:
    def test_defines_every_figure_once_in_both_languages(self) -> None:
        assert [definition.kpi for definition in DICTIONARY] == list(Kpi)
        for definition in DICTIONARY:
            for text in (definition.label, definition.meaning):
                assert text.en
                assert any("\u4e00" <= character <= "\u9fff" for character in text.zh_cn)

    def test_names_the_inputs_that_figures_show(self) -> None:
        measured = [channel(WECHAT, exposure=10, likes=1, comments=1, shares=1, saves=1)]
        measured_blind = [channel(WEIBO, likes=1, followers=followers(1, 10))]
        live = Kpi.CONVERSION_RATE, Kpi.RESPONSE_TIME
        shown: dict[Kpi, set[str]] = {
            kpi: set(kpis.of_posts(kpi, measured).inputs) for kpi in Kpi if kpi not in live
        }
        shown[Kpi.ENGAGEMENT_RATE] |= set(kpis.engagement_rate(measured_blind).inputs)
        shown[Kpi.CONVERSION_RATE] = set(
            kpis.conversion_rate(conversions=0, clicks=0, bot_clicks=0, unattributed=0).inputs
        )
        shown[Kpi.RESPONSE_TIME] = set(
            kpis.response_time(median_seconds=None, answered=0, unanswered=0).inputs
        )
        assert shown == {kpi: set(BY_KPI[kpi].inputs) for kpi in Kpi}

    def test_the_reference_page_is_up_to_date(self) -> None:
        page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "kpis.md"
        made = (
            "python -c 'from drumtower.domain.kpi_dictionary import reference; print(reference(), end=str())'"
        )
        assert page.read_text(encoding="utf-8") == reference(), f"Run: {made} > docs/reference/kpis.md"
