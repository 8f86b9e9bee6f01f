"""Advice on accuracy, readability and looks: what is said, where it points, and what is left alone."""

from dataclasses import replace
from uuid import UUID

import pytest

from drumtower.domain import readability_checks
from drumtower.domain.brands import Kit
from drumtower.domain.checks import examine
from drumtower.domain.errors import Violation
from drumtower.domain.facts import Standards
from drumtower.domain.reviews import Criterion
from tests.domain.test_checks import PICTURE, facts

ADVICE = (Criterion.ACCURACY, Criterion.READABILITY)
SHARP = replace(PICTURE, width=1_080, height=1_080)


def advice(body: str, **known: object) -> list[Violation]:
    given = facts({"body": body, "title": ""}, **known)
    return [finding.violation for finding in examine(given) if finding.criterion in ADVICE]


# The tests' today is Monday 2026-11-23.
@pytest.mark.parametrize(
    ("body", "code", "quote", "fix"),
    [
        ("满意度高达98%", "figure_without_source", "98%", None),
        ("速度快3倍", "figure_without_source", "3倍", None),
        ("已有500万用户", "figure_without_source", "500万", None),
        ("11月24日（周一）开售", "weekday_wrong", "11月24日（周一）", "11月24日（周二）"),
        ("2月30日见", "date_impossible", "2月30日", None),
        ("2月29日见", "date_impossible", "2月29日", None),  # neither this year nor the next has one
        ("13月1日见", "date_impossible", "13月1日", None),
        ("Monday, November 24 at noon", "weekday_wrong", "Monday, November 24", "Tuesday, November 24"),
        ("欢迎来 Drum  tower", "", "", None),
        ("欢迎来 drum tower 喝茶", "name_misspelt", "drum tower", "DrumTower"),
        ("茶" * 81 + "。", "sentence_too_long", "茶" * 60, None),
        ("Tea " * 36 + "is good.", "sentence_too_long", ("Tea " * 36)[:60], None),
        ("好茶。" * 151, "wall_of_text", ("好茶。" * 20)[:40], None),
        ("这是抓手", "jargon", "抓手", None),
    ],
)
def test_what_is_said_and_where(body: str, code: str, quote: str, fix: str | None) -> None:
    found = advice(body, kit=Kit(name="DrumTower"), standards=Standards(jargon=("抓手",)))
    if not code:
        assert found == []
        return
    [one] = [violation for violation in found if violation.code == code]
    assert one.evidence is not None
    assert (one.evidence.quote, one.fix) == (quote, fix)
    assert one.evidence.start is not None
    assert body[one.evidence.start :].strip().startswith(quote[:5])


@pytest.mark.parametrize(
    "body",
    [
        "据统计局数据，满意度98%",
        "全场9折，满100减20，最高优惠30%off",
        "100%棉",
        "11月24日（周二）见",
        "DrumTower 与 https://example.com/drumtower",
        "2026年11月23日 星期一",
        "5月1日周末",
        "早上喝茶，晚上也喝茶。\n" * 60,
        "看 https://example.com/" + "x" * 600,
        "",
    ],
)
def test_what_is_left_alone(body: str) -> None:
    assert advice(body, kit=Kit(name="DrumTower")) == []


def test_hard_texts_are_told_as_a_whole() -> None:
    hard = (
        "组织机构在推进数字化转型的过程中需要充分考虑各个业务部门之间的协同关系以及流程再造所带来的管理成本和人员适应问题。"
        * 6
    )
    assert "hard_to_read" in [one.code for one in advice(hard)]
    english = "Organisational transformation necessitates interdepartmental reconsideration of procedural responsibilities "
    assert "hard_to_read" in [one.code for one in advice(english * 20)]
    assert readability_checks.ari("too short") is None
    easy = readability_checks.ari("The cat sat on the mat. " * 20)
    assert easy is not None
    assert easy < 3


def test_how_a_post_looks() -> None:
    def looks(*media: object) -> set[str]:
        ids = tuple(UUID(int=number) for number in range(len(media)))
        given = facts({"asset_ids": ids}, media=media)
        return {one.violation.code for one in examine(given) if one.criterion is Criterion.AESTHETICS}

    assert looks(SHARP) == set()
    assert looks(replace(SHARP, width=639, height=639)) == {"image_blurred"}
    assert looks(replace(SHARP, size=5 * 1024 * 1024 + 1)) == {"image_heavy"}
    assert looks(SHARP, replace(SHARP, width=1_800)) == {"images_uneven"}
    assert looks(*[SHARP] * 5) == {"grid_uneven"}
    assert looks(*[SHARP] * 9) == set()
    assert looks(None, replace(SHARP, content_type="video/mp4", width=10, height=10)) == set()
