"""The brand kit: what it holds posts to, what contradicts itself, and how far pillars drift."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from drumtower.domain import brand_checks
from drumtower.domain.brands import (
    Address,
    Colour,
    ColourRole,
    DisclosureRule,
    Kit,
    PillarShare,
    ProductName,
    ToneRules,
    contradictions,
    contrasts,
    shares,
)
from drumtower.domain.content import Nature
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.errors import Severity
from drumtower.domain.facts import Standards
from tests.domain.test_checks import PICTURE, facts

CAMPAIGN = UUID(int=7)
NOTHING: dict[str, Any] = {
    "banned_words": [],
    "required_words": [],
    "product_names": [],
    "pillars": [],
    "pillar_plan": [],
    "palette": [],
    "fonts": [],
    "core_values": [],
}


@pytest.mark.parametrize(
    ("rule", "severity"),
    [
        ({}, "block"),
        ({"natures": (Nature.PROMOTIONAL,)}, None),
        ({"natures": (Nature.EDITORIAL,), "platforms": ("weibo",)}, "block"),
        ({"platforms": ("douyin",)}, None),
        ({"campaign_ids": (CAMPAIGN,)}, "block"),
        ({"campaign_ids": (UUID(int=8),)}, None),
        ({"ai_assets": True}, None),
    ],
)
def test_a_disclosure_is_asked_for_where_everything_named_applies(
    rule: dict[str, Any], severity: str | None
) -> None:
    made = DisclosureRule(disclosure=Disclosure.AD, severity=Severity.BLOCK, **rule)
    given = facts(kit=Kit(disclosure_rules=(made,)), slug="weibo", standards=Standards(campaign_id=CAMPAIGN))
    found = [one.severity.value for one in brand_checks.disclosures(given)]
    assert found == ([severity] if severity else [])


def test_what_ai_made_is_told_and_the_strictest_rule_counts() -> None:
    made = replace(PICTURE, ai_generated=True)
    [warned] = brand_checks.disclosures(facts(media=(made,)))
    assert (warned.severity, warned.fix) == (Severity.WARN, "ai_generated")
    strict = DisclosureRule(disclosure=Disclosure.AI_GENERATED, severity=Severity.BLOCK, ai_assets=True)
    [blocked] = brand_checks.disclosures(facts(media=(made,), kit=Kit(disclosure_rules=(strict,))))
    assert blocked.severity is Severity.BLOCK
    told = facts({"disclosures": (Disclosure.AI_GENERATED,)}, media=(made,))
    assert list(brand_checks.disclosures(told)) == []


@pytest.mark.parametrize(
    ("body", "quotes"),
    [
        ("来一杯鼓楼壹号", ["鼓楼壹号"]),
        ("来一杯鼓楼一号", []),
        ("drumtea 与 DrumTea", ["drumtea"]),
        ("dtea，不是 dteas", ["dtea"]),
        ("新鼓楼壹号限定版", []),  # the right name of another product holds the wrong spelling of this one
        ("鼓楼壹号，鼓楼壹号", ["鼓楼壹号", "鼓楼壹号"]),
    ],
)
def test_wrong_spellings_of_products(body: str, quotes: list[str]) -> None:
    names = (
        ProductName(name="鼓楼一号", wrong=("鼓楼壹号",)),
        ProductName(name="DrumTea", wrong=("dtea",)),
        ProductName(name="新鼓楼壹号限定版"),
    )
    found = list(brand_checks.spellings((("/body", body),), Kit(product_names=names)))
    assert [one.evidence.quote for one in found if one.evidence] == quotes
    for one in found:
        assert one.evidence is not None
        assert body[one.evidence.start : one.evidence.end] == one.evidence.quote


@pytest.mark.parametrize(
    ("rules", "body", "codes"),
    [
        (ToneRules(address=Address.FORMAL), "给你一杯茶", ["tone_address"]),
        (ToneRules(address=Address.FORMAL), "迷你杯，给您", []),
        (ToneRules(address=Address.FORMAL), "你好，给您一杯茶", []),
        (ToneRules(address=Address.FAMILIAR), "给您一杯茶", ["tone_address"]),
        (ToneRules(most_exclamations=1), "好茶！好价!", ["tone_exclamations"]),
        (ToneRules(most_exclamations=2), "好茶！好价!", []),
        (ToneRules(most_emoji=1), "🍵🍵", ["tone_emoji"]),
        (ToneRules(most_emoji=0), "123#", []),
        (ToneRules(), "你您！！🍵🍵", []),
    ],
)
def test_tone_as_far_as_it_can_be_counted(rules: ToneRules, body: str, codes: list[str]) -> None:
    assert [one.code for one in brand_checks.tone((("/body", body),), rules)] == codes


def test_shares_of_pillars() -> None:
    found = shares({"产品": 6, None: 1, "人": 3}, {"产品": 40.0, "茶知识": 60.0})
    assert [(one.pillar, one.posts, one.percent, one.drift) for one in found] == [
        ("产品", 6, 60.0, 20.0),
        ("茶知识", 0, 0.0, -60.0),
        ("人", 3, 30.0, None),
        (None, 1, 10.0, None),
    ]
    assert shares({}, {"产品": 40.0})[0].percent == 0.0


@pytest.mark.parametrize(
    ("share", "codes"),
    [
        (None, []),
        (PillarShare(pillar=None, posts=1, percent=10.0, planned=None), ["pillar_missing"]),
        (PillarShare(pillar="x", posts=1, percent=10.0, planned=None), ["pillar_unplanned"]),
        (PillarShare(pillar="产品", posts=6, percent=60.0, planned=40.0), ["pillar_over_plan"]),
        (PillarShare(pillar="产品", posts=5, percent=50.0, planned=40.0), []),
        (PillarShare(pillar="产品", posts=3, percent=100.0, planned=40.0), []),  # too few to say
    ],
)
def test_pillars_of_a_post(share: PillarShare | None, codes: list[str]) -> None:
    found = list(brand_checks.pillar(facts(standards=Standards(pillar=share))))
    assert [one.code for one in found] == codes
    assert {one.severity for one in found} <= {Severity.INFO}


def test_everything_that_contradicts_itself_is_said_at_once() -> None:
    red = {"name": "红", "hex": "#FF0000", "role": "primary"}
    said = NOTHING | {
        "banned_words": ["茶"],
        "required_words": ["鼓楼茶"],
        "product_names": [{"name": "一号", "wrong": ["一号"]}],
        "pillars": ["人", "人"],
        "pillar_plan": [{"pillar": "人", "percent": 60}, {"pillar": "狗", "percent": 60}],
        "palette": [red, red],
    }
    assert {one.pointer: one.code for one in contradictions(said)} == {
        "/banned_words/0": "word_contradicted",
        "/product_names/0/wrong/0": "word_contradicted",
        "/pillars/1": "duplicate_value",
        "/pillar_plan": "shares_over_whole",
        "/pillar_plan/1/pillar": "unknown_pillar",
        "/palette/1/name": "duplicate_value",
    }
    assert list(contradictions(NOTHING)) == []


def test_contrast_is_that_of_wcag() -> None:
    """The ratios that the W3C's own examples give: black on white 21, #767676 4.54, #949494 3.03, #FF0000 4."""
    ground = Colour(name="纸", hex="#FFFFFF", role=ColourRole.BACKGROUND)
    texts = [
        Colour(name=one, hex=one, role=ColourRole.TEXT)
        for one in ("#000000", "#767676", "#949494", "#FF0000", "#FFFFFF")
    ]
    accent = Colour(name="x", hex="#123456", role=ColourRole.ACCENT)
    found = contrasts([ground, accent, *texts])
    assert [(one.text, one.ratio, one.level.value) for one in found] == [
        ("#FFFFFF", 1.0, "none"),
        ("#949494", 3.03, "large"),
        ("#FF0000", 4.0, "large"),
        ("#767676", 4.54, "all"),
        ("#000000", 21.0, "all"),
    ]
