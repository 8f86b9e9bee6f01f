"""Which files a platform takes: families, bytes, pixels, ratios."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drumtower.domain import platform_checks
from drumtower.domain.capabilities import Capabilities, HashtagRule, MediaRule, TextRule, family
from drumtower.domain.content import ChannelContent, Kind, Nature
from drumtower.domain.facts import Facts, MediaFacts
from drumtower.domain.text import Unit

IMAGE = MediaRule(
    types=("image/png",),
    maximum_count=2,
    maximum_bytes=1000,
    minimum_bytes=10,
    maximum_pixels=1_000_000,
    ratio=(0.5, 2.0),
)
VIDEO = MediaRule(
    types=("video/mp4",),
    maximum_count=1,
    maximum_bytes=1000,
    duration=(timedelta(seconds=4), timedelta(minutes=15)),
    codecs=("h264", "aac"),
)
PDF = MediaRule(types=("application/pdf",), maximum_count=1, maximum_bytes=1000)


def codes(
    *media: MediaFacts,
    needs_alt_text: bool = False,
    hashtags: tuple[str, ...] = (),
    rule: HashtagRule | None = None,
    **more: Any,
) -> list[tuple[str, str]]:
    text = TextRule(maximum=10, unit=Unit.CHARACTER)
    alt_text = TextRule(maximum=10, unit=Unit.CHARACTER, required=needs_alt_text)
    takes = Capabilities(
        alt_text=alt_text,
        kinds=(Kind.IMAGE_TEXT,),
        body=text,
        image=IMAGE,
        video=VIDEO,
        document=PDF,
        hashtags=rule,
        **more,
    )
    content = ChannelContent(
        title="",
        body="",
        kind=Kind.IMAGE_TEXT,
        nature=Nature.EDITORIAL,
        language="zh-CN",
        links=(),
        hashtags=hashtags,
        asset_ids=(),
        disclosures=(),
        options={},
    )
    facts = Facts(
        content=content,
        text="",
        platform="Kite",
        capabilities=takes,
        connected=True,
        media=media,
        option_violations=(),
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    found = (*platform_checks.media(facts), *platform_checks.hashtags(facts))
    return [(violation.pointer, violation.code) for violation in found]


def file(
    content_type: str, size: int = 100, width: int | None = None, height: int | None = None
) -> MediaFacts:
    return MediaFacts(
        content_type=content_type, size=size, alt_text="", expires_at=None, width=width, height=height
    )


def film(seconds: float, *codecs: str) -> MediaFacts:
    return MediaFacts(
        content_type="video/mp4",
        size=100,
        alt_text="",
        expires_at=None,
        duration=timedelta(seconds=seconds),
        codecs=codecs,
    )


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("image/png", "image"),
        ("video/mp4", "video"),
        ("audio/mpeg", "audio"),
        ("application/pdf", "document"),
        ("text/plain", "document"),
    ],
)
def test_families(content_type: str, expected: str) -> None:
    assert family(content_type) == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (file("image/png", 10, 1000, 1000), []),
        (file("image/png", 9), ["media_too_small"]),
        (file("image/png", 1001), ["media_too_large"]),
        (file("image/png", 100, 1001, 1000), ["media_too_many_pixels"]),
        (file("image/png", 100, 100, 200), []),
        (file("image/png", 100, 99, 200), ["media_ratio"]),
        (file("image/png", 100, 200, 100), []),
        (file("image/png", 100, 201, 100), ["media_ratio"]),
        (file("image/gif"), ["media_type"]),
        (file("application/pdf"), []),
        (file("application/zip"), ["media_type"]),
        (file("audio/mpeg"), ["media_type"]),
        (file("video/quicktime"), ["media_type"]),
        (film(4), []),
        (film(3.999), ["media_too_short"]),
        (film(900), []),
        (film(900.001), ["media_too_long"]),
        (film(5, "h264"), []),
        (film(5, "hevc", "aac"), ["media_codec"]),
        (film(1, "hevc", "opus"), ["media_too_short", "media_codec"]),
        (replace(film(5), alt_text="十个字十个字十个字十"), []),
        (replace(film(5), alt_text="十个字十个字十个字十一"), ["alt_text_too_long"]),
    ],
)
def test_each_rule(one: MediaFacts, expected: list[str]) -> None:
    assert codes(one) == [("/asset_ids/0", code) for code in expected]


def test_families_are_counted_apart() -> None:
    assert codes(file("image/png"), file("image/png"), file("application/pdf")) == []
    assert codes(*[file("image/png")] * 3) == [("/asset_ids", "too_many_images")]


def test_where_the_platform_asks_for_an_alternative_text_there_is_one() -> None:
    silent, told = file("image/png"), replace(file("image/png"), alt_text="一杯茶")
    assert codes(silent, told, needs_alt_text=True) == [("/asset_ids/0", "alt_text_required")]


def test_pictures_or_a_video() -> None:
    picture, video = file("image/png"), film(10)
    assert codes(picture, video) == []
    assert codes(picture, video, images_with_video=1) == []
    assert codes(picture, picture, video, images_with_video=1) == [("/asset_ids", "media_mixed")]
    assert codes(picture, video, images_with_video=0) == [("/asset_ids", "media_mixed")]
    assert codes(picture, picture, images_with_video=0) == []


def test_no_text_alone() -> None:
    assert codes(media_required=True) == [("/asset_ids", "media_required")]
    assert codes(film(10), media_required=True) == []


def test_hashtags_are_counted_and_measured_with_their_commas() -> None:
    rule = HashtagRule(maximum_count=2, maximum_length=5)
    assert codes(hashtags=("秋茶", "品鉴"), rule=rule) == []
    assert codes(hashtags=("秋茶", "品鉴会"), rule=rule) == [("/hashtags", "hashtags_too_long")]
    assert codes(hashtags=("一", "二", "三"), rule=rule) == [("/hashtags", "too_many_hashtags")]
