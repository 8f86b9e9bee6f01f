"""What a reader must be told, and whether a text says it."""

import re
from collections.abc import Iterable
from enum import StrEnum


class Disclosure(StrEnum):
    """What the reader must be told."""

    AD = "ad"
    AI_GENERATED = "ai_generated"


_WORDS = {
    Disclosure.AD: ("广告", "Advertisement"),
    Disclosure.AI_GENERATED: ("内容由AI生成", "AI-generated content"),
}


def words(disclosure: Disclosure, language: str) -> str:
    """Return how the text says it: in Chinese for a Chinese post, else in English."""
    return _WORDS[disclosure][0 if language.startswith("zh") else 1]


def untold(text: str, disclosures: Iterable[Disclosure], language: str) -> list[str]:
    """Return the words of what must be disclosed and is not marked in the text yet.

    A mark stands out: a line or a bracket of its own, or a hashtag. A sentence that holds the word marks nothing.
    """
    wanted = [words(one, language) for one in disclosures]
    return [said for said in wanted if not _marks(said).search(text)]


def _marks(said: str) -> re.Pattern[str]:
    word = re.escape(said)
    return re.compile(rf"(?m)^\s*{word}\s*$|[\[(【（]\s*{word}\s*[\])】）]|#{word}(?![\w-])", re.IGNORECASE)
