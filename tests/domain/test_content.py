"""Content: laid over by variants, hashed, stored and composed."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.content import (
    ChannelContent,
    Content,
    Kind,
    Nature,
    Variant,
    compose,
    digest,
    for_channel,
    from_json,
    to_json,
)
from drumtower.domain.disclosures import Disclosure

CHANNEL, OTHER, ASSET = UUID(int=1), UUID(int=2), UUID(int=3)
POST = Content(
    title="秋茶",
    body="好茶",
    kind=Kind.IMAGE_TEXT,
    nature=Nature.EDITORIAL,
    links=("https://a.example/",),
    hashtags=("秋茶",),
    asset_ids=(ASSET,),
    variants=(Variant(channel_id=CHANNEL, body="", asset_ids=(), options={"mode": "publish"}),),
)

_ids = st.uuids()
_variants = st.builds(
    Variant,
    channel_id=_ids,
    title=st.none() | st.text(),
    body=st.none() | st.text(),
    asset_ids=st.none() | st.lists(_ids, max_size=3).map(tuple),
    options=st.dictionaries(st.text(), st.text() | st.integers() | st.booleans(), max_size=3),
)
_contents = st.builds(
    Content,
    title=st.text(),
    body=st.text(),
    kind=st.sampled_from(Kind),
    nature=st.sampled_from(Nature),
    language=st.sampled_from(["zh-CN", "en"]),
    links=st.lists(st.text(), max_size=3).map(tuple),
    hashtags=st.lists(st.text(), max_size=3).map(tuple),
    asset_ids=st.lists(_ids, max_size=3).map(tuple),
    disclosures=st.lists(st.sampled_from(Disclosure), max_size=2).map(tuple),
    variants=st.lists(_variants, max_size=3).map(tuple),
)


@given(_contents)
def test_what_is_stored_reads_back_with_the_same_hash(content: Content) -> None:
    assert from_json(to_json(content)) == content
    assert digest(from_json(to_json(content))) == digest(content)


def test_every_field_is_in_the_hash() -> None:
    changes = [
        {"title": "x"},
        {"body": "x"},
        {"kind": Kind.VIDEO},
        {"nature": Nature.PROMOTIONAL},
        {"language": "en"},
        {"links": ()},
        {"hashtags": ()},
        {"asset_ids": ()},
        {"disclosures": (Disclosure.AD,)},
        {"variants": ()},
    ]
    hashes = {digest(replace(POST, **change)) for change in changes}  # type: ignore[arg-type]
    assert len(hashes | {digest(POST)}) == len(changes) + 1


def test_a_variant_is_laid_over_the_post() -> None:
    own = for_channel(POST, CHANNEL)
    assert (own.title, own.body, own.asset_ids, own.options) == ("秋茶", "", (), {"mode": "publish"})
    plain = for_channel(POST, OTHER)
    assert (plain.body, plain.asset_ids, plain.options) == ("好茶", (ASSET,), {})


def composed(hashtag: str = "#{}#", **fields: object) -> str:
    content: ChannelContent = replace(for_channel(POST, OTHER), **fields)  # type: ignore[arg-type]
    return compose(content, hashtag=hashtag)


def test_links_and_hashtags_are_added_once() -> None:
    assert composed() == "好茶\nhttps://a.example/ #秋茶#"
    assert composed(hashtag="#{}") == "好茶\nhttps://a.example/ #秋茶"
    assert composed(body="喝 #秋茶# https://a.example/ 吧") == "喝 #秋茶# https://a.example/ 吧"
    assert composed(body="") == "https://a.example/ #秋茶#"
    assert composed(links=(), hashtags=()) == "好茶"


def test_what_must_be_disclosed_is_the_last_line_in_the_posts_language() -> None:
    both = (Disclosure.AD, Disclosure.AI_GENERATED)
    assert composed(disclosures=both) == "好茶\nhttps://a.example/ #秋茶#\n广告\n内容由AI生成"
    assert composed(body="Tea", links=(), hashtags=(), disclosures=both, language="en") == (
        "Tea\nAdvertisement\nAI-generated content"
    )
    content = replace(for_channel(POST, OTHER), links=(), hashtags=(), disclosures=both)
    assert compose(content, hashtag="#{}", marked={Disclosure.AD}) == "好茶\n内容由AI生成"


@pytest.mark.parametrize("body", ["好茶【广告】", "#广告# 好茶", "#广告 好茶", "广告\n好茶", "好茶 (广告)"])
def test_what_stands_out_already_is_not_said_twice(body: str) -> None:
    assert composed(body=body, links=(), hashtags=(), disclosures=(Disclosure.AD,)) == body


@pytest.mark.parametrize("body", ["广告行业的秋天", "#广告人 聚会", "不做广告"])
def test_a_sentence_with_the_word_discloses_nothing(body: str) -> None:
    assert composed(body=body, links=(), hashtags=(), disclosures=(Disclosure.AD,)) == f"{body}\n广告"
