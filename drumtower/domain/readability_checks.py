"""Checks of how hard a text is to read: long sentences, walls of text, hard words, jargon.

English: the automated readability index (Senter and Smith, 1967). Chinese has no accepted formula: mean sentence and
clause lengths are advice, with limits from common editorial practice, and claim no school grade.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import regex

from drumtower.domain.errors import Evidence, Severity, Violation

LONGEST_SENTENCE_ZH = 80  # characters
LONGEST_SENTENCE_EN = 35  # words
LONGEST_PARAGRAPH = 300  # characters without a line break
MEAN_SENTENCE_ZH = 45
HARDEST_ARI = 14.0  # a first year at university
ENOUGH_WORDS = 100

_URL = regex.compile(r"https?://[!-~]+")
_SENTENCE = regex.compile(r"[^。！？!?…\n]+")
_ENGLISH_SENTENCE = regex.compile(r"[^.!?\n]+")
_HAN = regex.compile(r"\p{Han}")
_WORD = regex.compile(r"[A-Za-z][A-Za-z'’-]*")
_MOST_FINDINGS = 5


def sentences(body: str) -> Iterator[Violation]:
    """Say which sentences are too long to be taken in at once."""
    body = _without_links(body)
    chinese = _is_chinese(body)
    pattern = _SENTENCE if chinese else _ENGLISH_SENTENCE
    long = [match for match in pattern.finditer(body) if _is_long(match.group(), chinese)]
    for match in long[:_MOST_FINDINGS]:
        size = len(_HAN.findall(match.group())) if chinese else len(_WORD.findall(match.group()))
        unit = "characters" if chinese else "words"
        limit = LONGEST_SENTENCE_ZH if chinese else LONGEST_SENTENCE_EN
        yield Violation(
            pointer="/body",
            code="sentence_too_long",
            detail=f"A sentence of {size} {unit}; up to {limit} are read at one go.",
            hint="Make two of it.",
            severity=Severity.INFO,
            evidence=Evidence(quote=match.group().strip()[:60], start=match.start(), end=match.end()),
        )


def _is_long(sentence: str, chinese: bool) -> bool:
    if chinese:
        return len(_HAN.findall(sentence)) > LONGEST_SENTENCE_ZH
    return len(_WORD.findall(sentence)) > LONGEST_SENTENCE_EN


def walls(body: str) -> Iterator[Violation]:
    """Say which paragraphs have no break for too long."""
    for match in regex.finditer(r"[^\n]+", _without_links(body)):
        text = match.group().strip()
        if len(_HAN.findall(text)) + 2 * len(_WORD.findall(text)) > LONGEST_PARAGRAPH:
            yield Violation(
                pointer="/body",
                code="wall_of_text",
                detail=f"{len(text)} characters without a line break.",
                hint="Break it into paragraphs.",
                severity=Severity.INFO,
                evidence=Evidence(quote=text[:40], start=match.start(), end=match.end()),
            )


def difficulty(body: str) -> Iterator[Violation]:
    """Say that a text as a whole is hard to read."""
    body = _without_links(body)
    if _is_chinese(body):
        mean = mean_sentence(body)
        if len(_HAN.findall(body)) >= 2 * ENOUGH_WORDS and mean > MEAN_SENTENCE_ZH:
            detail = f"Its sentences have {mean:.0f} characters on average; {MEAN_SENTENCE_ZH} read easily."
            yield _hard(detail)
        return
    index = ari(body)
    if index is not None and index > HARDEST_ARI:
        yield _hard(
            f"Its automated readability index is {index:.1f}; {HARDEST_ARI:.0f} is a first year at university."
        )


def _hard(detail: str) -> Violation:
    hint = "Shorter sentences and common words."
    return Violation(pointer="/body", code="hard_to_read", detail=detail, hint=hint, severity=Severity.INFO)


def mean_sentence(text: str) -> float:
    """Return how many Han characters a sentence has on average."""
    sizes = [len(_HAN.findall(match.group())) for match in _SENTENCE.finditer(text)]
    sizes = [size for size in sizes if size]
    return sum(sizes) / len(sizes) if sizes else 0.0


def ari(text: str) -> float | None:
    """Return the automated readability index of an English text; None where there are too few words to say."""
    words = _WORD.findall(text)
    ends = len([1 for match in _ENGLISH_SENTENCE.finditer(text) if _WORD.search(match.group())])
    if len(words) < ENOUGH_WORDS or ends == 0:
        return None
    return 4.71 * sum(map(len, words)) / len(words) + 0.5 * len(words) / ends - 21.43


def jargon(body: str, words: Sequence[str]) -> Iterator[Violation]:
    """Say which words of the workspace's jargon list its readers should not have to know."""
    text = body.casefold()
    for word in words:
        at = text.find(word.casefold())
        if at >= 0:
            yield Violation(
                pointer="/body",
                code="jargon",
                detail=f"{word!r} is on the workspace's list of jargon.",
                hint="Say it in words that readers use.",
                severity=Severity.INFO,
                evidence=Evidence(quote=body[at : at + len(word)], start=at, end=at + len(word)),
            )


@lru_cache(maxsize=16)  # several checks ask of the same text
def _without_links(text: str) -> str:
    """Blank links, and keep every position."""
    return _URL.sub(lambda match: " " * len(match.group()), text)


@lru_cache(maxsize=16)
def _is_chinese(text: str) -> bool:
    return len(_HAN.findall(text)) >= len(_WORD.findall(text))
