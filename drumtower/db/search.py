"""Finds a piece of text, of two Chinese characters as of twenty, by an index: ADR 76.

`search_grams` (migration 0031) gives every character and every pair of neighbours of a text, folded; a GIN index on it
finds the texts that have all of those of what is looked for, and the texts themselves then say whether it stands there.
"""

from collections.abc import Collection
from functools import reduce

from sqlalchemy import ColumnElement, Index, Text, and_, func, literal, literal_column, or_
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY

# What is searched in, by table, as PostgreSQL writes it itself; `{}` is the table's name with a dot, or nothing.
SEARCHED = {
    "assets": ("{}file_name", "{}alt_text", "{}credit", "{}licence"),
    "ideas": ("{}title", "{}note"),
    "interactions": ("{}text",),
    "posts": ("{}title", "({}content ->> 'body'::text)", "({}content ->> 'hashtags'::text)"),
}


def searched(table: str, prefix: str = "") -> str:
    """Return the SQL of a row's text; the indexes are on this very expression."""
    first, *others = (piece.format(prefix) for piece in SEARCHED[table])
    return reduce(lambda text, other: f"({_atom(text)} || ' '::text) || {other}", others, first)


def _atom(text: str) -> str:
    return f"({text})" if " || " in text else text


def search_index(table: str) -> Index:
    """Return the index that `found_in` reads by."""
    return Index(f"ix_{table}_search", sql(f"search_grams({searched(table)})"), postgresql_using="gin")


def found_in(table: str, words: Collection[str]) -> ColumnElement[bool]:
    """Say that one of `words` stands in the row's text, whatever its case and width."""
    text = literal_column(searched(table, f"{table}."), Text())
    return or_(*(_stands(text, word) for word in words))


def _stands(text: ColumnElement[str], word: str) -> ColumnElement[bool]:
    asked = literal(word, Text())
    grams = func.search_grams(text, type_=ARRAY(Text()))
    return and_(
        grams.contains(func.search_grams(asked, type_=ARRAY(Text()))),
        func.strpos(func.search_fold(text), func.search_fold(asked)) > 0,
    )
