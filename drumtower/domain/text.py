"""How long a text is, counted the way each platform counts it."""

import math
import re
import unicodedata
from enum import StrEnum

import regex

# A link ends at the first character that is not ASCII: Chinese text follows links without a space.
_URL = regex.compile(r"https?://[!-~]+")
_GRAPHEME = regex.compile(r"\X")
# U+2800 is the empty Braille pattern: a symbol by its category, nothing to the eye.
_SEEN = regex.compile(r"[^\s\p{Cc}\p{Cf}\p{M}\p{Default_Ignorable_Code_Point}\u2800]")


class Unit(StrEnum):
    """What a platform counts."""

    CHARACTER = "character"  # Unicode code points
    GRAPHEME = "grapheme"  # what a reader takes for one character (UAX #29)
    BYTE = "byte"  # UTF-8
    MASTODON = "mastodon"  # graphemes, 23 per link
    UTF16 = "utf16"  # UTF-16 code units: two for an emoji, as Java and JavaScript count
    WEIBO = "weibo"  # one per non-ASCII character, a half per ASCII one, ten per link


def length(text: str, unit: Unit) -> int:
    """Count `text` in `unit`; Weibo's halves are rounded up over the whole text."""
    match unit:
        case Unit.CHARACTER:
            return len(text)
        case Unit.GRAPHEME:
            return len(_GRAPHEME.findall(text))
        case Unit.BYTE:
            return len(text.encode("utf-8", "surrogatepass"))
        case Unit.MASTODON:
            bare, links = _URL.subn("", text)
            return length(bare, Unit.GRAPHEME) + 23 * links
        case Unit.UTF16:
            return len(text.encode("utf-16-le", "surrogatepass")) // 2
        case Unit.WEIBO:
            return _weibo(text)


def _weibo(text: str) -> int:
    # Source: open.weibo.com, statuses/share: 140 Chinese characters, two ASCII characters count as one,
    # and a link counts in its t.cn form (10).
    bare, links = _URL.subn("", text)
    halves = 2 * len(bare) - len(bare.encode("ascii", "ignore"))
    return math.ceil(halves / 2) + 10 * links


def is_blank(text: str) -> bool:
    """Say whether a reader sees nothing: only white space, zero-width and other invisible characters."""
    return _SEEN.search(text) is None


def links_in(text: str) -> list[str]:
    """Return the http(s) links that stand in `text`, in order."""
    return [match.group() for match in _URL.finditer(text)]


_BREAKS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def without_controls(text: str) -> str:
    """Return the text without control characters but tabs; every way to end a line becomes `\\n`.

    RFC 5545, terminals and spreadsheets have no way to write them. Every character at which some parser ends a line
    is taken for a line end, so that no text begins a property of what it stands in.
    """
    lines = _BREAKS.sub("\n", text)
    return "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
