"""Tells Chinese from English by counting Han characters against Latin words."""

import re
from typing import Final

from drumtower.language.verdicts import Language

_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA_OR_HANGUL: Final = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_LATIN_WORD: Final = re.compile(r"[a-z][a-z'\u00c0-\u024f]*", re.IGNORECASE)
# Addresses, mentions and emoticon names are no words of the author's language.
_NOT_PROSE: Final = re.compile(r"https?://\S{1,500}|@[\w-]{1,40}|\[\w{1,8}\]")


def has_han(text: str) -> bool:
    return _HAN.search(text) is not None


def latin_words(text: str) -> int:
    return len(_LATIN_WORD.findall(text))


def language_of(text: str) -> Language:
    """`und` for texts without words and for Japanese and Korean; any Latin-script text counts as `en`."""
    prose = _NOT_PROSE.sub(" ", text)
    han = len(_HAN.findall(prose))
    if 2 * len(_KANA_OR_HANGUL.findall(prose)) > han:
        return "und"
    latin = len(_LATIN_WORD.findall(prose))
    if han == latin == 0:
        return "und"
    return "zh" if han >= latin else "en"
