"""Turns hostile or odd text into a bounded, comparable form before anything else reads it."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from drumtower.language.lexicons import resource_lines

MAX_CHARS: Final = 2000

# Zero-width and bidirectional controls, soft hyphen, variation selectors, skin tones: they only split words.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff]"
)
_BROKEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# The one letter whose lower case is longer than itself: positions in `text` and `folded` must agree.
_LONG_WHEN_LOWERED: Final = {ord("İ"): "I"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalText:
    """`folded` is `text` in lower case and simplified characters; both have the same length."""

    text: str
    folded: str
    truncated: bool


@cache
def _traditional() -> dict[int, str]:
    pairs = (pair for line in resource_lines("traditional.tsv") for pair in line.split())
    return {ord(pair[0]): pair[1] for pair in pairs}


def normalize(raw: str) -> NormalText:
    """NFKC, no invisible characters, surrogates blanked; only the first MAX_CHARS characters are kept."""
    visible = _INVISIBLE.sub("", _BROKEN.sub(" ", raw[: 2 * MAX_CHARS]))
    text = unicodedata.normalize("NFKC", visible[:MAX_CHARS]).translate(_LONG_WHEN_LOWERED)[:MAX_CHARS]
    folded = text.lower().translate(_traditional())
    return NormalText(
        text=text, folded=folded, truncated=len(raw) > 2 * MAX_CHARS or len(visible) > MAX_CHARS
    )
