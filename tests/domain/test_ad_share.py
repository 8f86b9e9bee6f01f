"""The ad share: exact at its limit, honest about small samples, told in words; and what looks like an advertisement."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from drumtower.domain.ad_share import (
    AdShare,
    Item,
    OnBreach,
    Share,
    ShareVerdict,
    check,
    explain,
    limit_of,
    shares,
    windows,
)
from drumtower.domain.content import Nature
from drumtower.domain.errors import Severity
from drumtower.domain.natures import suggest

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 11, 30, 16, 30, tzinfo=UTC)  # the first of December in Shanghai
FIFTH = limit_of(20)


def share(promotional: int, total: int, limit: Fraction = FIFTH) -> Share:
    return Share(window=windows(AT, SHANGHAI)[0], promotional=promotional, total=total, limit=limit)


def test_the_windows_are_the_workspaces() -> None:
    rolling, month = windows(AT, SHANGHAI)
    assert (rolling.start, rolling.end) == (AT - timedelta(days=30), AT)
    assert month.start == datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert month.end == datetime(2026, 12, 31, 16, tzinfo=UTC) - timedelta(microseconds=1)
    # A month in which the clocks change is as long as it is.
    spring = windows(datetime(2025, 3, 20, tzinfo=UTC), ZoneInfo("Europe/Berlin"))[1]
    assert spring.end - spring.start + timedelta(microseconds=1) == timedelta(days=31, hours=-1)


def test_a_post_counts_in_the_windows_that_hold_it() -> None:
    before = Item(at=AT - timedelta(days=30), promotional=True)
    too_old = Item(at=AT - timedelta(days=30, microseconds=1), promotional=True)
    later = Item(at=AT + timedelta(days=3), promotional=False)
    rolling, month = shares(AT, SHANGHAI, [before, too_old, later], FIFTH)
    assert (rolling.promotional, rolling.total) == (1, 1)
    assert (month.promotional, month.total) == (0, 1)


@pytest.mark.parametrize(
    ("promotional", "total", "verdict", "room", "needed"),
    [
        (0, 0, ShareVerdict.EMPTY, 0, 0),
        (1, 1, ShareVerdict.SMALL_SAMPLE, 0, 4),
        (1, 4, ShareVerdict.SMALL_SAMPLE, 0, 1),
        (2, 4, ShareVerdict.EXCEEDED, 0, 6),
        (1, 5, ShareVerdict.WITHIN, 0, 0),
        (2, 10, ShareVerdict.WITHIN, 0, 0),
        (3, 10, ShareVerdict.EXCEEDED, 0, 5),
        (0, 4, ShareVerdict.WITHIN, 1, 0),
        (0, 3, ShareVerdict.WITHIN, 0, 0),
        (1, 9, ShareVerdict.WITHIN, 1, 0),
    ],
)
def test_verdict_room_and_need_agree(
    promotional: int, total: int, verdict: ShareVerdict, room: int, needed: int
) -> None:
    found = share(promotional, total)
    assert (found.verdict, found.room, found.needed) == (verdict, room, needed)
    assert found.adding(0, needed).verdict is not ShareVerdict.EXCEEDED
    if room:
        assert found.adding(room).verdict is ShareVerdict.WITHIN


def test_odd_limits() -> None:
    assert share(0, 3, limit_of(0)).verdict is ShareVerdict.WITHIN
    assert (share(1, 3, limit_of(0)).verdict, share(1, 3, limit_of(0)).needed) == (
        ShareVerdict.SMALL_SAMPLE,
        None,
    )
    assert share(3, 3, limit_of(100)).verdict is ShareVerdict.WITHIN
    # 3 of 10 at 30 % is within, though 0.3 is no binary fraction.
    assert share(3, 10, limit_of(30.0)).verdict is ShareVerdict.WITHIN


@pytest.mark.parametrize(
    ("on_breach", "overridden", "severity"),
    [
        (OnBreach.BLOCK, True, Severity.BLOCK),
        (OnBreach.OVERRIDE, False, Severity.BLOCK),
        (OnBreach.OVERRIDE, True, Severity.WARN),
        (OnBreach.WARN, False, Severity.WARN),
    ],
)
def test_what_the_policy_makes_of_it(on_breach: OnBreach, overridden: bool, severity: Severity) -> None:
    found = AdShare(shares=(share(2, 4),), on_breach=on_breach, overridden=overridden)
    [violation] = check(Nature.PROMOTIONAL, found)
    assert (violation.code, violation.severity) == ("ad_share_exceeded", severity)
    assert "6 more" in violation.hint
    assert list(check(Nature.EDITORIAL, found)) == []


def test_it_is_told_in_words() -> None:
    told = explain(share(3, 10))
    assert (
        told.zh_cn
        == "近30天共10条，其中推广3条，占30%，上限20%。已超出：再增加5条非推广内容即可回到上限以内。"
    )
    assert "3 of 10 posts are promotional: 30%, and the limit is 20%" in told.en
    assert "再发4条" in explain(share(1, 1)).zh_cn
    assert explain(share(0, 0)).zh_cn == "近30天没有已发布或已计划的内容。"


@pytest.mark.parametrize(
    ("body", "links", "nature"),
    [
        ("到手价¥99，领优惠券下单", (), Nature.PROMOTIONAL),
        ("新茶上架", ("https://gulou.tmall.com/shop/1",), Nature.PROMOTIONAL),
        ("Get 20% off, buy now", (), Nature.PROMOTIONAL),
        ("一斤茶要采五万个芽头，值99元吗？", (), None),
        ("反诈提醒：陌生链接不要点", (), Nature.PUBLIC_SERVICE),
        ("办公室里也能喝到一杯好茶", ("https://tea.example.com/autumn",), None),
    ],
)
def test_what_a_text_looks_like(body: str, links: tuple[str, ...], nature: Nature | None) -> None:
    found = suggest((("/body", body), *(("/links/0", link) for link in links)))
    assert found.nature is nature
    for sign in found.signs:
        text = body if sign.pointer == "/body" else links[0]
        assert text[sign.start : sign.end] == sign.quote
