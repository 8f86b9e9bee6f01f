"""Reads the word lists of this package and finds their words in a text, longest first, in linear time."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Generic, TypeVar

V = TypeVar("V")

_ASCII_WORD: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit(Generic[V]):
    """A listed word found at folded[start:end]."""

    start: int
    end: int
    value: V


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line's meaning for its words: see the head of each data file for the kinds."""

    kind: str
    weight: float


class Lexicon(Generic[V]):
    """Words with a meaning each; scanning costs one look-up per distinct word length per character."""

    def __init__(self, words: Mapping[str, V]) -> None:
        self._words = dict(words)
        self._lengths = _lengths_by_first(words)
        self._first = re.compile("|".join(map(re.escape, self._lengths)) or r"(?!)")

    def __contains__(self, word: str) -> bool:
        return word in self._words

    def __len__(self) -> int:
        return len(self._words)

    def scan(self, folded: str) -> Iterator[Hit[V]]:
        """Yields non-overlapping hits from left to right; Latin words match whole words only."""
        covered = 0
        for match in self._first.finditer(folded):
            start = match.start()
            if start >= covered and (end := self._longest_end(folded, start)):
                covered = end
                yield Hit(start=start, end=end, value=self._words[folded[start:end]])

    def _longest_end(self, folded: str, start: int) -> int:
        if _inside_word(folded, start):
            return 0
        for length in self._lengths[folded[start]]:
            end = start + length
            if folded[start:end] in self._words and not _inside_word(folded, end):
                return end
        return 0


def _lengths_by_first(words: Iterable[str]) -> dict[str, tuple[int, ...]]:
    lengths: dict[str, set[int]] = {}
    for word in words:
        lengths.setdefault(word[0], set()).add(len(word))
    return {first: tuple(sorted(found, reverse=True)) for first, found in lengths.items()}


def _inside_word(folded: str, position: int) -> bool:
    """True between two characters of one Latin word, where no listed word may begin or end."""
    return (
        0 < position < len(folded) and folded[position] in _ASCII_WORD and folded[position - 1] in _ASCII_WORD
    )


def resource_lines(name: str) -> list[str]:
    """The lines of a data file of this package without comments and blank lines."""
    text = files("drumtower.language").joinpath("data", name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("# ")]


def read_rows(name: str) -> Iterator[tuple[str, float, str]]:
    """Every (kind, weight, word) of a three-column data file."""
    for line in resource_lines(name):
        kind, weight, words = line.split("\t")
        yield from ((kind, float(weight), word) for word in words.split(", "))


@cache
def lexicon(*names: str) -> Lexicon[Entry]:
    """The words of these data files as one lexicon, read once for each process."""
    rows = (row for name in names for row in read_rows(name))
    return Lexicon({word: Entry(kind=kind, weight=weight) for kind, weight, word in rows})
