"""Cuts a text into sentences and clauses, so that each is weighed by the rules of its own script."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from drumtower.language.scripts import has_han

# Prose of MAX_CHARS has fewer; a text of nothing but breaks would cost too much.
MAX_CLAUSES: Final = 300

_SENTENCE: Final = re.compile(r"(?:[^。!?\n.]|\.(?![\s.]|$))+[。!?\n.]*")
# A space ends a clause only between Han characters: in 支持 Apple Pay 吗 it does not.
_CHINESE_BREAK: Final = re.compile(r"[,;:、~\"“”()…]+|(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
_CONTRAST: Final = re.compile(
    r"(?<![不非])但是?|可是(?!否)|不过(?![敏期关时])|(?<![不而])只是|(?<=,)结果|然而|可惜|奈何|却(?!步)|\b(?:but|however|although)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A part of a sentence at [start, end) of the text; `contrasts` if it answers the one before it."""

    start: int
    end: int
    contrasts: bool
    asks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    start: int
    end: int
    contrasts: bool


def sentences_of(folded: str) -> Iterator[tuple[Clause, ...]]:
    """The clauses of each sentence in turn; only the last clause of a sentence can bear its question mark."""
    left = MAX_CLAUSES
    for match in _SENTENCE.finditer(folded):
        asks = "?" in folded[match.end() - 3 : match.end()]
        parts = list(islice(_parts(folded, match.start(), match.end()), left))
        left -= len(parts)
        if parts:
            yield tuple(_clause(part, asks=asks and part is parts[-1]) for part in parts)


def _clause(part: _Part, *, asks: bool) -> Clause:
    return Clause(start=part.start, end=part.end, contrasts=part.contrasts, asks=asks)


def _parts(folded: str, start: int, end: int) -> Iterator[_Part]:
    for part in _contrast_parts(folded, start, end):
        if not has_han(folded[part.start : part.end]):
            yield part
            continue
        breaks = [match.span() for match in _CHINESE_BREAK.finditer(folded, part.start, part.end)]
        yield from _pieces(part, breaks)


def _pieces(part: _Part, breaks: list[tuple[int, int]]) -> Iterator[_Part]:
    starts = [part.start, *(end for _, end in breaks)]
    ends = [*(start for start, _ in breaks), part.end]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if start < end:
            yield _Part(start=start, end=end, contrasts=part.contrasts and number == 0)


def _contrast_parts(folded: str, start: int, end: int) -> Iterator[_Part]:
    cuts = [match.start() for match in _CONTRAST.finditer(folded, start, end)]
    for number, (left, right) in enumerate(zip([start, *cuts], [*cuts, end], strict=True)):
        if left < right:
            yield _Part(start=left, end=right, contrasts=number > 0)
