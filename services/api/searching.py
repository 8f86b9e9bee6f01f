"""The `q` of lists: a piece of text, found whether it is written in simplified or in traditional characters."""

from functools import cache

import opencc
from sqlalchemy import ColumnElement

from drumtower.db.search import found_in


def found(table: str, q: str) -> ColumnElement[bool]:
    """Say that `q` stands in the row's text, as it is written or in the other script."""
    return found_in(table, spellings(q))


def spellings(q: str) -> list[str]:
    """Return `q` as it is written, and in simplified and in traditional characters where those differ."""
    return list(dict.fromkeys([q, _converter("t2s").convert(q), _converter("s2t").convert(q)]))


@cache
def _converter(direction: str) -> opencc.OpenCC:
    return opencc.OpenCC(direction)
