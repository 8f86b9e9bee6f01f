"""Checks a record against its lexicon, in the words of the PDS.

Sources: bluesky-social/atproto, lexicons/app/bsky/{feed/post,embed/*,richtext/facet}.json, and the answers of a real
PDS 0.4.217 (the contract suite compares). The size of an image follows 0.5: 2 MB, where 0.4 takes 1 MB. As there, a
facet may reach past the text and an embed of an unknown type passes.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from drumtower.domain.text import Unit, length
from drumtower.sandbox.bluesky.identifiers import AT_URI, DID, is_cid

LARGEST_IMAGE = 2_000_000
_DATETIME = re.compile(
    r"\d{4}-(0[1-9]|1[012])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
_LANGUAGE = re.compile(
    r"([A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(-[A-Za-z]{4})?(-([A-Za-z]{2}|\d{3}))?"
    r"(-([A-Za-z0-9]{5,8}|\d[A-Za-z0-9]{3}))*(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*(-x(-[A-Za-z0-9]{1,8})+)?"
)
_URI = re.compile(r"\w+:(//)?[^\s/]\S*")
_PREVIEW = 48


class Mismatch(ValueError):
    """The record is not what its lexicon says; the text names what and where."""


Rule = Callable[[Any, str], None]


def _datetime(value: str) -> bool:
    if len(value) > 64 or value.endswith("-00:00") or not _DATETIME.fullmatch(value):
        return False
    try:
        # Python reads at most microseconds; the fraction can't make a date wrong.
        return datetime.fromisoformat(re.sub(r"\.\d+", "", value)).utcoffset() is not None
    except ValueError:
        return False


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "datetime": _datetime,
    "language": lambda value: _LANGUAGE.fullmatch(value) is not None,
    "uri": lambda value: _URI.fullmatch(value) is not None,
    "at-uri": lambda value: AT_URI.fullmatch(value) is not None,
    "DID": lambda value: DID.fullmatch(value) is not None,
    "CID string": is_cid,
}


def string(form: str | None = None, maximum: int | None = None, graphemes: int | None = None) -> Rule:
    """A text; `maximum` counts UTF-8 bytes."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise _unexpected("string", value, path)
        _at_most(maximum, length(value, Unit.BYTE), "string", path)
        _at_most(graphemes, length(value, Unit.GRAPHEME) if graphemes else 0, "grapheme", path)
        if form and not FORMATS[form](value):
            raise Mismatch(f"Invalid {form} (got {_preview(value)}) at {path}")

    return check


def integer(minimum: int) -> Rule:
    """A whole number."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _unexpected("integer", value, path)
        if value < minimum:
            raise Mismatch(f"integer too small (minimum {minimum}, got {value}) at {path}")

    return check


def array(item: Rule, maximum: int | None = None) -> Rule:
    """A list."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise _unexpected("array", value, path)
        _at_most(maximum, len(value), "array", path)
        for index, one in enumerate(value):
            item(one, f"{path}[{index}]")

    return check


def shape(**fields: Rule) -> Rule:
    """An object; a field whose name ends in _ may be left out. What is not named passes."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise _unexpected("object", value, path)
        for name, rule in fields.items():
            key = name.rstrip("_")
            if key in value:
                rule(value[key], f"{path}.{key}")
            elif not name.endswith("_"):
                raise Mismatch(f'Missing required key "{key}" at {path}')

    return check


def union(types: Mapping[str, Rule]) -> Rule:
    """An object that names its type; an unknown type passes."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, dict) or "$type" not in value:
            raise _unexpected('an object which includes the "$type" property', value, path)
        rule = types.get(value["$type"])
        if rule is not None:
            rule(value, path)

    return check


def blob(accept: str, maximum: int) -> Rule:
    """A file's reference; its size and type are what the record claims."""

    def check(value: Any, path: str) -> None:
        if not is_blob(value):
            raise _unexpected("blob", value, path)
        if not value["mimeType"].startswith(accept.removesuffix("*")):
            raise Mismatch(f'Expected "{accept}" (got "{value["mimeType"]}") at {path}.mimeType')
        _at_most(maximum, value["size"], "blob", path)

    return check


def is_blob(value: Any) -> bool:
    """Say whether `value` is a reference to a file."""
    match value:
        case {"$type": "blob", "ref": {"$link": str(link)}, "mimeType": str(), "size": int()}:
            return is_cid(link)
    return False


def check_numbers(value: Any, path: str) -> None:
    """Refuse what the data model has no place for: fractions."""
    if isinstance(value, float):
        kinds = "one of null, boolean, integer, string, cid, bytes, array or object"
        raise _unexpected(kinds, value, path)
    for key, one in value.items() if isinstance(value, dict) else ():
        check_numbers(one, f"{path}.{key}")
    for index, one in enumerate(value) if isinstance(value, list) else ():
        check_numbers(one, f"{path}[{index}]")


def _at_most(maximum: int | None, actual: int, what: str, path: str) -> None:
    if maximum is not None and actual > maximum:
        raise Mismatch(f"{what} too big (maximum {maximum}, got {actual}) at {path}")


def _unexpected(wanted: str, value: Any, path: str) -> Mismatch:
    return Mismatch(f"Expected {wanted} value type (got {_preview(value)}) at {path}")


def _preview(value: Any) -> str:
    match value:
        case str() if len(value) >= _PREVIEW:
            return json.dumps(value[: _PREVIEW - 1] + "…", ensure_ascii=False)
        case dict():
            keys = [f"{json.dumps(key, ensure_ascii=False)}: ..." for key in list(value)[:2]]
            return "{" + ", ".join([*keys, *(["..."] if len(value) > 2 else [])]) + "}"
        case list():
            return "[" + ", ".join([*map(_preview, value[:2]), *(["..."] if len(value) > 2 else [])]) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


_STRONG_REFERENCE = shape(uri=string("at-uri"), cid=string("CID string"))
_RATIO = shape(width=integer(1), height=integer(1))
_IMAGE = shape(image=blob("image/*", LARGEST_IMAGE), alt=string(), aspectRatio_=_RATIO)
_IMAGES = shape(images=array(_IMAGE, 4))
_CARD = shape(uri=string("uri"), title=string(), description=string(), thumb_=blob("image/*", 1_000_000))
_EXTERNAL = shape(external=_CARD)
_QUOTE = shape(record=_STRONG_REFERENCE)
_MEDIA = union({"app.bsky.embed.images": _IMAGES, "app.bsky.embed.external": _EXTERNAL})
_EMBED = union(
    {
        "app.bsky.embed.images": _IMAGES,
        "app.bsky.embed.external": _EXTERNAL,
        "app.bsky.embed.record": _QUOTE,
        "app.bsky.embed.recordWithMedia": shape(record=_QUOTE, media=_MEDIA),
    }
)
_TAG = string(maximum=640, graphemes=64)
_FEATURE = union(
    {
        "app.bsky.richtext.facet#link": shape(uri=string("uri")),
        "app.bsky.richtext.facet#mention": shape(did=string("DID")),
        "app.bsky.richtext.facet#tag": shape(tag=_TAG),
    }
)
_FACET = shape(index=shape(byteStart=integer(0), byteEnd=integer(0)), features=array(_FEATURE))
_LABELS = shape(values=array(shape(val=string(maximum=128)), 10))

POST = "app.bsky.feed.post"
check_post = shape(
    text=string(maximum=3000, graphemes=300),
    facets_=array(_FACET),
    reply_=shape(root=_STRONG_REFERENCE, parent=_STRONG_REFERENCE),
    embed_=_EMBED,
    langs_=array(string("language"), 3),
    labels_=union({"com.atproto.label.defs#selfLabels": _LABELS}),
    tags_=array(_TAG, 8),
    createdAt=string("datetime"),
)
