"""Records that a Bluesky server takes, and records that it refuses, with what it says."""

from collections.abc import Mapping
from typing import Any

from tests.adapters.bluesky_stage import ABSENT_CID, POST, post

FAMILY = "👨‍👩‍👧‍👦"


def facet(feature: Mapping[str, Any], start: int = 0, end: int = 2) -> dict[str, Any]:
    index = {"byteStart": start, "byteEnd": end}
    return post(facets=[{"index": index, "features": [dict(feature)]}])


def pictures(*files: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    images = [{"image": dict(file), "alt": "", **more} for file in files]
    return post(embed={"$type": "app.bsky.embed.images", "images": images})


def thread(**references: Mapping[str, str]) -> dict[str, Any]:
    return post(reply={name: dict(reference) for name, reference in references.items()})


_LINK, _TAG = "app.bsky.richtext.facet#link", "app.bsky.richtext.facet#tag"
_MENTION = "app.bsky.richtext.facet#mention"
_REFERENCE = {"uri": f"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/{POST}/3ke6kg3wk2222", "cid": ABSENT_CID}

TAKEN: Mapping[str, dict[str, Any]] = {
    "300 characters": post("字" * 300),
    "3000 bytes": post(FAMILY * 120),
    "no text": post(""),
    "microseconds and an offset": {**post(), "createdAt": "2026-01-01T08:00:00.123456+08:00"},
    "no type": {"text": "hi", "createdAt": "2026-01-01T00:00:00Z"},
    "three languages": post(langs=["zh-CN", "en", "pt-BR"]),
    "a link": facet({"$type": _LINK, "uri": "https://example.com"}),
    "a mark past the text": facet({"$type": _LINK, "uri": "https://example.com"}, end=500),
    "a mark of an unknown kind": facet({"$type": "x.y#z"}),
    "an unknown embed": post(embed={"$type": "x.y.z"}),
    "an unknown field": post(foo="bar"),
    "an answer to a stranger": thread(root=_REFERENCE, parent=_REFERENCE),
    "a quote": post(embed={"$type": "app.bsky.embed.record", "record": _REFERENCE}),
    "no pictures": pictures(),
    "a warning": post(labels={"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "nudity"}]}),
}

REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "301 characters": (post("字" * 301), "grapheme too big (maximum 300, got 301) at $.record.text"),
    "301 letters": (post("a" * 301), "grapheme too big (maximum 300, got 301) at $.record.text"),
    "3025 bytes": (post(FAMILY * 121), "string too big (maximum 3000, got 3025) at $.record.text"),
    "text missing": ({"$type": POST, "createdAt": "2026-01-01T00:00:00Z"}, 'Missing required key "text" at $.record'),
    "text a number": (post(5), "Expected string value type (got 5) at $.record.text"),
    "no date": ({"$type": POST, "text": "hi"}, 'Missing required key "createdAt" at $.record'),
    "no real date": ({**post(), "createdAt": "yesterday"}, 'Invalid datetime (got "yesterday") at $.record.createdAt'),
    "no zone": ({**post(), "createdAt": "2026-01-01T00:00:00"}, "Invalid datetime"),
    "four languages": (post(langs=["zh"] * 4), "array too big (maximum 3, got 4) at $.record.langs"),
    "no language": (post(langs=["!!"]), 'Invalid language (got "!!") at $.record.langs[0]'),
    "nine tags": (post(tags=["a"] * 9), "array too big (maximum 8, got 9) at $.record.tags"),
    "a mark below 0": (facet({"$type": _LINK, "uri": "https://a.b"}, start=-1), "integer too small (minimum 0, got -1)"),
    "no link": (facet({"$type": _LINK, "uri": "nope"}), 'Invalid uri (got "nope") at $.record.facets[0].features[0].uri'),
    "a long tag": (facet({"$type": _TAG, "tag": "t" * 65}), "grapheme too big (maximum 64, got 65)"),
    "no account": (facet({"$type": _MENTION, "did": "bob"}), 'Invalid DID (got "bob")'),
    "a mark nowhere": (post(facets=[{"features": []}]), 'Missing required key "index" at $.record.facets[0]'),
    "marks no list": (post(facets={}), "Expected array value type (got {}) at $.record.facets"),
    "a bad root": (thread(root={**_REFERENCE, "cid": "x"}, parent=_REFERENCE), "Invalid CID string"),
    "a bad parent": (thread(root=_REFERENCE, parent={**_REFERENCE, "uri": "http://x"}), "Invalid at-uri"),
    "no parent": (thread(root=_REFERENCE), 'Missing required key "parent" at $.record.reply'),
    "an answer to null": (post(reply=None), "Expected object value type (got null) at $.record.reply"),
    "an untyped embed": (post(embed={"images": []}), 'which includes the "$type" property value type (got {"images": ...})'),
    "a picture that is 5": (
        post(embed={"$type": "app.bsky.embed.images", "images": [{"image": 5, "alt": ""}]}),
        "Expected blob value type (got 5) at $.record.embed.images[0].image",
    ),
    "a card to nowhere": (
        post(embed={"$type": "app.bsky.embed.external", "external": {"uri": "x", "title": "", "description": ""}}),
        'Invalid uri (got "x") at $.record.embed.external.uri',
    ),
    "bad warnings": (
        post(labels={"$type": "com.atproto.label.defs#selfLabels", "values": "x"}),
        'Expected array value type (got "x") at $.record.labels.values',
    ),
    "a fraction": (post(foo=1.5), "(got 1.5) at $.record.foo"),
    "another type": ({**post(), "$type": "app.bsky.feed.like"}, f"Invalid $type: expected {POST}, got app.bsky.feed.like"),
}  # fmt: skip
