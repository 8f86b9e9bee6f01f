"""The form in which texts are compared with words that must not be said, and the way back to the text as written.

Full-width and circled forms, case, accents, invisible characters, traditional characters and look-alikes are folded;
white space, punctuation and symbols are dropped, but where they end a clause is remembered.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

import opencc

from drumtower.language.lexicons import resource_lines

_CLAUSE_ENDS: Final = frozenset("。！？；，：、!?;,:\n\r\u2028\u2029")
_KEPT: Final = frozenset("%")  # "100%" is not "100"
# Categories without a sound of their own: marks, controls, separators, punctuation, symbols.
_SILENT: Final = frozenset("MCZPS")
_FIRST_HAN, _LAST_HAN = 0x3400, 0x9FFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """`text` is compared; `origins[i]` is where its i-th character stands in the text as given.

    `clauses[i]` counts the ends of clauses before it: equal numbers stand in one clause.
    """

    text: str
    origins: list[int]
    clauses: list[int]


def fold(raw: str) -> Folded:
    """Fold a text; linear in its length, never raises."""
    kept: list[str] = []
    origins: list[int] = []
    clauses: list[int] = []
    clause = 0
    forms = _Forms.shared()
    for position, character in enumerate(raw):
        form = forms[character]
        if not form:
            clause += character in _CLAUSE_ENDS
            continue
        for one in form:
            kept.append(one)
            origins.append(position)
            clauses.append(clause)
    return Folded(text="".join(kept), origins=origins, clauses=clauses)


def fold_term(term: str) -> str:
    """Fold a word of a list."""
    return fold(term).text


class _Forms(dict[str, str]):
    """What each character becomes, worked out once: there are not many of them."""

    def __missing__(self, character: str) -> str:
        form = "".join(_one(part) for part in unicodedata.normalize("NFKD", character).casefold())
        self[character] = form
        return form

    @staticmethod
    @cache
    def shared() -> "_Forms":
        return _Forms()


def _one(character: str) -> str:
    if character in _KEPT:
        return character
    known = _simple().get(character)
    if known is not None:
        return known
    return "" if unicodedata.category(character)[0] in _SILENT else character


@cache
def _simple() -> dict[str, str]:
    """Return the simplified form of every traditional character, and what look-alikes stand for."""
    every = [chr(code) for code in range(_FIRST_HAN, _LAST_HAN + 1)]
    simplified = opencc.OpenCC("t2s").convert("\n".join(every)).split("\n")
    table = {one: other for one, other in zip(every, simplified, strict=True) if one != other}
    return table | {pair[0]: pair[1] for line in resource_lines("variants.tsv") for pair in line.split()}
