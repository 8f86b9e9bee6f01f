"""The check engine: everything at once, counted the platform's way, pointing at the right place."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from drumtower.domain.brands import Kit
from drumtower.domain.capabilities import Capabilities, MediaRule, TextRule
from drumtower.domain.checks import CHECKS, blocks, examine, examine_each, measure, place
from drumtower.domain.content import ChannelContent, Content, Kind, Nature, Variant
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.errors import Severity, Violation
from drumtower.domain.facts import Facts, MediaFacts, Standards
from drumtower.domain.reviews import Criterion
from drumtower.domain.text import Unit

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ONE, TWO = UUID(int=1), UUID(int=2)
PICTURE = MediaFacts(content_type="image/png", size=1_000, alt_text="一杯茶", expires_at=None)
TAKES = Capabilities(
    kinds=(Kind.IMAGE_TEXT,),
    title=TextRule(maximum=10, unit=Unit.CHARACTER, required=True),
    body=TextRule(maximum=20, unit=Unit.GRAPHEME, required=True, also=TextRule(maximum=70, unit=Unit.BYTE)),
    image=MediaRule(types=("image/png", "image/jpeg"), maximum_count=2, maximum_bytes=2_000, required=1),
    video=MediaRule(types=("video/mp4",), maximum_count=1, maximum_bytes=9_000),
)
CONTENT = ChannelContent(
    title="秋茶",
    body="好茶",
    kind=Kind.IMAGE_TEXT,
    nature=Nature.EDITORIAL,
    language="zh-CN",
    links=(),
    hashtags=(),
    asset_ids=(ONE,),
    disclosures=(),
    options={},
)


def facts(content: dict[str, Any] | None = None, **known: Any) -> Facts:
    changed = replace(CONTENT, **(content or {}))
    usual: dict[str, Any] = {
        "text": changed.body,
        "platform": "Teahouse",
        "capabilities": TAKES,
        "connected": True,
        "media": (PICTURE,),
        "option_violations": (),
        "at": NOW,
    }
    return Facts(content=changed, **(usual | known))


def found(given: Facts, severity: Severity = Severity.BLOCK) -> dict[str, str]:
    violations = [finding.violation for finding in examine(given)]
    return {v.pointer: v.code for v in violations if v.severity is severity}


def test_a_good_post_has_no_findings() -> None:
    assert examine(facts()) == []
    assert (measure(facts()).value, measure(facts()).maximum) == (2, 20)


def test_everything_is_said_at_once_and_what_blocks_comes_first() -> None:
    wrong = Violation(pointer="/options/mode", code="option_invalid", detail="no")
    bad = facts(
        {"title": "长" * 11, "body": "最好TODO" * 5, "kind": Kind.LIVE, "nature": Nature.PROMOTIONAL},
        connected=False,
        media=(replace(PICTURE, size=2_001, alt_text=" "),),
        option_violations=(wrong,),
        kit=Kit(banned_words=("最好",), required_words=("鼓楼",)),
    )
    assert found(bad) == {
        "/channel": "channel_disconnected",
        "/kind": "kind_not_supported",
        "/title": "title_too_long",
        "/body": "banned_word",
        "/asset_ids/0": "media_too_large",
        "/options/mode": "option_invalid",
    }
    findings = examine(bad)
    severities = [finding.violation.severity for finding in findings]
    assert severities == sorted(severities, key=lambda severity: severity is not Severity.BLOCK)
    assert {f.criterion for f in findings if f.violation.severity is Severity.WARN} == {
        Criterion.ACCURACY,
        Criterion.COMPLIANCE,
        Criterion.READABILITY,
    }
    assert blocks(finding.violation for finding in findings)


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("茶" * 20, []),
        ("茶" * 21, ["body_too_long"]),
        ("👨‍👩‍👧‍👦" * 2, []),  # 2 graphemes, 50 bytes
        ("👨‍👩‍👧‍👦" * 3, ["body_too_long"]),  # 3 graphemes, but 75 bytes
        ("👨‍👩‍👧‍👦" * 21, ["body_too_long", "body_too_long"]),
        ("\u200b", ["body_required"]),
        ("", ["body_required"]),
    ],
)
def test_texts_at_the_limit_and_one_over(body: str, codes: list[str]) -> None:
    assert [finding.violation.code for finding in examine(facts({"body": body}))] == codes


def test_the_text_as_composed_is_what_counts() -> None:
    assert found(facts(text="好茶\n" + "#秋茶#" * 6)) == {"/body": "body_too_long"}


def test_titles() -> None:
    assert found(facts({"title": "长" * 10})) == {}
    assert found(facts({"title": ""})) == {"/title": "title_required"}
    without = replace(TAKES, title=None)
    assert found(facts({"title": "长" * 99}, capabilities=without)) == {}


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        ((), {"/asset_ids": "image_required"}),
        ((PICTURE, PICTURE, PICTURE), {"/asset_ids": "too_many_images"}),
        ((PICTURE, replace(PICTURE, content_type="video/mp4")), {}),
        ((PICTURE, replace(PICTURE, content_type="image/webp")), {"/asset_ids/1": "media_type"}),
        ((PICTURE, replace(PICTURE, content_type="audio/mpeg")), {"/asset_ids/1": "media_type"}),
        ((replace(PICTURE, size=2_000),), {}),
        ((replace(PICTURE, size=2_001),), {"/asset_ids/0": "media_too_large"}),
        ((PICTURE, None), {"/asset_ids/1": "asset_missing"}),
        ((replace(PICTURE, expires_at=NOW),), {"/asset_ids/0": "licence_expired"}),
        ((replace(PICTURE, expires_at=NOW + timedelta(seconds=1)),), {}),
    ],
)
def test_media(media: tuple[MediaFacts | None, ...], expected: dict[str, str]) -> None:
    assert found(facts(media=media)) == expected


def test_a_licence_that_ends_soon_is_said_ahead() -> None:
    ends = [NOW + timedelta(days=14, seconds=-1), NOW + timedelta(days=14)]
    media = tuple(replace(PICTURE, expires_at=end) for end in ends)
    assert found(facts(media=media), Severity.WARN) == {"/asset_ids/0": "licence_ends_soon"}


def test_media_that_the_platform_does_not_take_at_all() -> None:
    bare = replace(TAKES, image=None, video=None)
    media = (PICTURE, replace(PICTURE, content_type="video/mp4"))
    assert found(facts(media=media, capabilities=bare)) == {
        "/asset_ids/0": "media_type",
        "/asset_ids/1": "media_type",
    }


def test_a_link_where_the_platform_wants_one() -> None:
    strict = replace(TAKES, link_domain_required=True)
    assert found(facts(capabilities=strict)) == {"/links": "link_domain_required"}
    assert found(facts(capabilities=strict, text="看 https://a.example")) == {}


@pytest.mark.parametrize(
    ("title", "body", "tags", "pointers"),
    [
        ("最佳", "好", (), {"/title"}),
        ("好", "最\u200b佳", (), {"/body"}),
        ("好", "ＢＥＳＴ tea", (), {"/body"}),
        ("好", "the best", ("Best",), {"/body", "/hashtags/0"}),
        ("好", "最 佳", (), set()),
    ],
)
def test_banned_words_in_any_disguise(
    title: str, body: str, tags: tuple[str, ...], pointers: set[str]
) -> None:
    given = facts(
        {"title": title, "body": body, "hashtags": tags}, kit=Kit(banned_words=("最佳", "best", "\u200b"))
    )
    assert {pointer for pointer, code in found(given).items() if code == "banned_word"} == pointers


def test_what_only_warns() -> None:
    given = facts(
        {"nature": Nature.PROMOTIONAL, "body": "价格 {{price}}", "asset_ids": (ONE, ONE)},
        media=(replace(PICTURE, alt_text="\u200b"), PICTURE),
        kit=Kit(required_words=("鼓楼",)),
    )
    codes = [finding.violation.code for finding in examine(given)]
    assert codes == [
        "placeholder_left",
        "required_word_missing",
        "disclosure_missing",
        "alt_text_missing",
        "media_repeated",
    ]
    assert found(given) == {}
    disclosed = facts({"nature": Nature.PROMOTIONAL, "disclosures": (Disclosure.AD,)})
    assert examine(disclosed) == []


def test_what_posts_have_in_common_is_looked_at_once() -> None:
    looked: list[str] = []

    def screen(text: str) -> tuple[()]:
        looked.append(text)
        return ()

    standards = Standards(screen=screen)
    given = [
        facts(standards=standards),
        facts(standards=standards, platform="Inn", connected=False),
        facts({"body": "TODO"}, standards=standards),
    ]
    assert [[one.violation.code for one in found] for found in examine_each(given)] == [
        [],
        ["channel_disconnected"],
        ["placeholder_left"],
    ]
    assert looked == ["秋茶", "好茶", "秋茶", "TODO"]


def test_equal_findings_on_one_text_are_each_channels_own() -> None:
    given = facts({"body": "TODO"})
    assert examine_each([given, replace(given, platform="Inn")]) == [examine(given)] * 2


def test_every_point_of_the_review_has_a_check() -> None:
    assert set(CHECKS) == {None, *Criterion}
    assert all(CHECKS.values())


@pytest.mark.parametrize(
    ("variant", "pointer", "placed"),
    [
        (None, "/body", "/body"),
        (0, "/body", "/variants/0/body"),
        (0, "/title", "/title"),
        (0, "/asset_ids/3", "/variants/0/asset_ids/3"),
        (0, "/options/a/b", "/variants/0/options/a/b"),
        (0, "/links", "/links"),
        (1, "/body", "/body"),
        (1, "/title", "/variants/1/title"),
        (1, "/channel", "/variants/1/channel_id"),
    ],
)
def test_pointers_lead_to_where_the_author_wrote_it(variant: int | None, pointer: str, placed: str) -> None:
    variants = (Variant(channel_id=ONE, body="x", asset_ids=()), Variant(channel_id=TWO, title="x"))
    content = Content(title="", body="", kind=Kind.IMAGE_TEXT, nature=Nature.EDITORIAL, variants=variants)
    assert place(pointer, content, variant) == placed
