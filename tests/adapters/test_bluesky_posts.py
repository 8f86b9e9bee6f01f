"""Keys, marks and settings of a Bluesky post; no network."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from pydantic import ValidationError

from drumtower.adapters.bluesky import posts
from drumtower.adapters.bluesky.schemas import BlueskyOptions
from drumtower.platforms.moments import iso
from drumtower.sandbox.bluesky.identifiers import TID
from tests.adapters.bluesky_publishing import message, picture

NOW = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)


def marks(text: str, *hashtags: str) -> list[tuple[str, str]]:
    """What each mark covers, cut out of the bytes, and what it stands for."""
    raw, found = text.encode(), []
    for facet in posts.facets(text, hashtags):
        (feature,) = facet["features"]
        covered = raw[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode()
        found.append((covered, feature.get("uri") or feature["tag"]))
    return found


def test_worked_keys() -> None:
    assert posts.tid(1_700_000_000_000_000, 7) == "3ke6kg3wk222b"
    assert posts.tid(1_700_000_000_000_000, 0) == "3ke6kg3wk2222"


def test_a_key_depends_on_the_delivery_alone() -> None:
    key = posts.record_key("delivery-1", NOW)
    assert (
        key
        == posts.record_key("delivery-1", NOW)
        == posts.record_key("delivery-1", NOW.replace(microsecond=0))
    )
    assert TID.fullmatch(key)
    assert key != posts.record_key("delivery-2", NOW)
    assert key != posts.record_key("delivery-1", NOW + timedelta(seconds=1))
    assert key < posts.record_key("delivery-2", NOW + timedelta(seconds=1))


def test_deliveries_of_the_same_instant_do_not_meet() -> None:
    keys = {posts.record_key(uuid4().hex, NOW) for _ in range(2000)}
    assert len(keys) == 2000


def test_worked_marks() -> None:
    text = "你好 https://example.com #新品"
    assert len(text.encode()) == 34
    assert [facet["index"] for facet in posts.facets(text, ["新品"])] == [
        {"byteStart": 7, "byteEnd": 26},
        {"byteStart": 27, "byteEnd": 34},
    ]
    assert posts.facets(text, ["新品"])[1]["features"] == [
        {"$type": "app.bsky.richtext.facet#tag", "tag": "新品"}
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("没有标记", []),
        ("👨‍👩‍👧‍👦 https://a.example/路 完", [("https://a.example/", "https://a.example/")]),
        ("见 https://a.example。再见", [("https://a.example", "https://a.example")]),
        ("see https://a.example.", [("https://a.example", "https://a.example")]),
        ("(https://a.example/x)", [("https://a.example/x", "https://a.example/x")]),
        ("https://a.example/x_(y)", [("https://a.example/x_(y)", "https://a.example/x_(y)")]),
        ("https://a.example/#top", [("https://a.example/#top", "https://a.example/#top")]),
        (
            "https://a.example https://a.example",
            [("https://a.example", "https://a.example"), ("https://a.example", "https://a.example")],
        ),
        ("#新品 上市", [("#新品", "新品")]),
        ("＃新品", [("＃新品", "新品")]),
        ("#新品# 上市", [("#新品", "新品")]),
        ("大家好#钟鼓楼", [("#钟鼓楼", "钟鼓楼")]),
        ("C#5 和 a#b 和 #1 和 #2026", []),
        ("#5G #3月", [("#5G", "5G"), ("#3月", "3月")]),
        ("#Café, #naïve!", [("#Café", "Café"), ("#naïve", "naïve")]),
        ("#" + "长" * 65, []),
        ("#", []),
        ("## ##", []),
        ("@someone.test stays text", []),
    ],
)
def test_marks(text: str, expected: list[tuple[str, str]]) -> None:
    assert marks(text) == expected


def test_known_hashtags_end_where_they_end() -> None:
    assert marks("#新品大家好", "新品") == [("#新品", "新品")]
    assert marks("#new #newproduct", "new") == [("#new", "new"), ("#newproduct", "newproduct")]
    assert marks("#new product line", "new product") == [("#new product", "new product")]
    assert marks("#a+b", "a+b", "", "a") == [("#a+b", "a+b")]
    assert marks("#🎉庆典", "🎉庆典") == [("#🎉庆典", "🎉庆典")]


def test_odd_hashtags_take_no_time() -> None:
    text = "#" * 3000 + "a" * 3000
    started = datetime.now(UTC)
    posts.facets(text, ["#" * 40, "(((", "a" * 64])
    assert datetime.now(UTC) - started < timedelta(seconds=1)


def test_settings() -> None:
    files = [{"$type": "blob"}]
    plain = posts.post_record(message("hi"), BlueskyOptions(), [], "2026-01-01T00:00:00.000Z")
    assert plain == {
        "$type": "app.bsky.feed.post",
        "text": "hi",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "langs": ["zh-CN"],
    }
    options = BlueskyOptions(languages=["zh", "en"], warning="graphic-media")
    full = posts.post_record(message("hi", picture()), options, files, "2026-01-01T00:00:00.000Z")
    assert full["langs"] == ["zh", "en"]
    assert full["labels"]["values"] == [{"val": "graphic-media"}]
    assert full["embed"]["images"][0]["image"] == files[0]


@pytest.mark.parametrize(
    "options", [{"languages": ["a", "bb", "cc", "dd"]}, {"languages": ["!!"]}, {"warning": "x"}, {"other": 1}]
)
def test_settings_that_are_none(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        BlueskyOptions.model_validate(options)


@pytest.mark.parametrize("written", [None, 5, "", "yesterday", "2026-01-01T00:00:00"])
def test_dates_that_are_none(written: object) -> None:
    assert iso(written) is None


def test_dates_are_written_in_utc() -> None:
    assert posts.timestamp(NOW) == "2026-03-01T09:30:00.123Z"
    assert iso("2026-03-01T09:30:00.123Z") == NOW.replace(microsecond=123000)
