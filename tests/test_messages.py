"""What leaves: the payload read back, the text composed, the files bound but not read."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drumtower.db.models import Asset, Brand, Channel
from drumtower.db.repositories.deliveries import payload_of
from drumtower.domain.capabilities import Capabilities, Label, TextRule
from drumtower.domain.content import ChannelContent, Kind, Nature
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.facts import Standards
from drumtower.domain.text import Unit
from drumtower.messages import (
    compose_text,
    content_of,
    message_of,
    option_violations,
    options_of,
    violations_of,
)
from drumtower.platforms import Adapter
from drumtower.storage import LocalStorage

NOW = datetime(2026, 11, 23, tzinfo=UTC)
WORKSPACE, FIRST, SECOND = UUID(int=1), UUID(int=2), UUID(int=3)


class Options(BaseModel):
    """Per-post settings of the platform below."""

    model_config = ConfigDict(extra="forbid")

    author: str = Field(default="", max_length=4)


class Teahouse(Adapter):
    """A platform of the tests; only its declaration is used."""

    slug: ClassVar[str] = "teahouse"
    name: ClassVar[Label] = Label(zh_cn="茶馆", en="Teahouse")
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=(Kind.IMAGE_TEXT,), body=TextRule(maximum=20, unit=Unit.CHARACTER)
    )
    options: ClassVar[type[BaseModel]] = Options
    hashtag: ClassVar[str] = "#{}#"


class Quiet(Teahouse):
    """One that keeps hashtags out of the text."""

    capabilities: ClassVar[Capabilities] = replace(Teahouse.capabilities, hashtags_in_text=False)


CONTENT = ChannelContent(
    title="秋茶",
    body="好茶",
    kind=Kind.IMAGE_TEXT,
    nature=Nature.EDITORIAL,
    language="zh-CN",
    links=(),
    hashtags=("秋茶",),
    asset_ids=(SECOND, FIRST),
    disclosures=(),
    options={"author": "小鼓"},
)


def asset(asset_id: UUID) -> Asset:
    return Asset(
        id=asset_id,
        workspace_id=WORKSPACE,
        file_name=f"{asset_id.int}.png",
        content_type="image/png",
        size=3,
        codecs=[],
        alt_text="茶",
        width=2,
        height=1,
        expires_at=None,
    )


@pytest.mark.long
@given(
    st.builds(
        ChannelContent,
        title=st.text(),
        body=st.text(),
        kind=st.sampled_from(Kind),
        nature=st.sampled_from(Nature),
        language=st.just("en"),
        links=st.lists(st.text(), max_size=3).map(tuple),
        hashtags=st.lists(st.text(), max_size=3).map(tuple),
        asset_ids=st.lists(st.uuids(), max_size=3).map(tuple),
        disclosures=st.lists(st.sampled_from(Disclosure), max_size=2).map(tuple),
        options=st.dictionaries(st.text(), st.text(), max_size=2),
    )
)
def test_a_payload_reads_back(content: ChannelContent) -> None:
    assert content_of(payload_of(content)) == content


def test_hashtags_stand_in_the_text_where_the_platform_has_them_there() -> None:
    assert compose_text(Teahouse, CONTENT) == "好茶\n#秋茶#"
    assert compose_text(Quiet, CONTENT) == "好茶"


async def test_files_come_in_the_posts_order_and_are_read_when_asked_for(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    message = message_of(Teahouse, CONTENT, [asset(FIRST), asset(SECOND)], storage)
    assert [media.asset_id for media in message.media] == [SECOND, FIRST]
    await storage.write(WORKSPACE, SECOND, b"png")
    assert await message.media[0].read() == b"png"
    with pytest.raises(FileNotFoundError):
        await message.media[1].read()
    assert (message.text, message.body) == ("好茶\n#秋茶#", "好茶")
    with pytest.raises(KeyError):
        message_of(Teahouse, CONTENT, [asset(FIRST)], storage)


def test_options() -> None:
    assert options_of(Teahouse, CONTENT) == Options(author="小鼓")
    with pytest.raises(ValidationError):
        options_of(Teahouse, replace(CONTENT, options={"colour": "red"}))
    wrong = option_violations(Teahouse, {"author": "太长太长太长", "colour": 1}, "/variants/0/options")
    assert {one.pointer for one in wrong} == {"/variants/0/options/author", "/variants/0/options/colour"}
    assert all("teahouse" in one.hint for one in wrong)


def test_the_engine_sees_channel_brand_and_files() -> None:
    channel = Channel(status="disconnected")
    brand = Brand(banned_words=["好茶"], required_words=[])
    found = violations_of(Teahouse, CONTENT, [asset(FIRST)], channel, brand, NOW, Standards())
    assert {(one.pointer, one.code) for one in found} == {
        ("/channel", "channel_disconnected"),
        ("/asset_ids/0", "asset_missing"),
        ("/asset_ids/1", "media_type"),
        ("/asset_ids/1", "image_blurred"),
        ("/body", "banned_word"),
    }
    good = replace(CONTENT, asset_ids=())
    assert violations_of(Teahouse, good, [], Channel(status="connected"), None, NOW, Standards()) == []
