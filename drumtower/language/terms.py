"""Finds the words of rule packs in a text, whatever their spelling, in one pass over it (Aho-Corasick)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ahocorasick_rs import AhoCorasick, MatchKind

from drumtower.domain.errors import Severity
from drumtower.domain.rule_packs import CUE, Hit, Pack, Rule
from drumtower.language.detectors import DETECTORS
from drumtower.language.folding import Folded, fold, fold_term

_REACH: Final = 8  # folded characters between a cue and the term that it excuses: 追求 | 最高的品质
_FAR: Final = 60  # the same for what may stand in another clause: a source, a number of a patent
_SPELT_OUT: Final = (
    3  # so many characters with something between each of them are one word, spaced on purpose
)
_RANK: Final = {Severity.INFO: 0, Severity.WARN: 1, Severity.BLOCK: 2}


class _Use(Enum):
    TERM = 0
    COVERS = 1  # an exception that holds the term
    BEFORE = 2
    AFTER = 3
    NEAR = 4


@dataclass(frozen=True, slots=True)
class _Source:
    """Why a pattern is looked for."""

    use: _Use
    rule: int
    term: str


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    source: _Source


class Terms:
    """The active packs of a workspace, ready to be looked for. `platforms`: those that a rule names."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        named = [(pack, rule) for pack in packs for rule in pack.rules]
        self._rules: list[tuple[Pack, Rule]] = named
        self._sources: dict[str, list[_Source]] = {}
        self._detectors: list[_Source] = []
        for index, (_, rule) in enumerate(named):
            self._add(index, rule)
        self._patterns = list(self._sources)
        self._longest = max(map(len, self._patterns), default=0)
        self.platforms = frozenset(platform for _, rule in named for platform in rule.platforms)
        self._automaton = AhoCorasick(self._patterns, matchkind=MatchKind.Standard)

    def _add(self, index: int, rule: Rule) -> None:
        for term in rule.terms:
            source = _Source(_Use.TERM, index, term)
            if term.startswith("@"):
                self._detectors.append(source)
            else:
                self._look_for(term, source)
        for phrase in rule.exceptions:
            self._look_for(phrase.strip(CUE), _Source(_use(phrase), index, phrase))

    def _look_for(self, term: str, source: _Source) -> None:
        folded = fold_term(term)
        if folded:
            self._sources.setdefault(folded, []).append(source)

    def hits(self, text: str, platform: str | None = None, industry: str | None = None) -> list[Hit]:
        """Return the hits of the rules that hold, in the order in which they stand."""
        folded = fold(text)
        found = [
            one
            for one in self._found(folded)
            if self._rules[one.source.rule][1].holds(platform, industry) and _is_word(text, folded, one)
        ]
        terms = [one for one in found if one.source.use is _Use.TERM]
        excused = _Excuses((one for one in found if one.source.use is not _Use.TERM), self._longest)
        left = [one for one in terms if not excused.hold(one, folded)]
        return [self._hit(one, folded, text) for one in self._plainest(left)]

    def _found(self, folded: Folded) -> Iterator[_Found]:
        for index, start, end in self._automaton.find_matches_as_indexes(folded.text, overlapping=True):
            if _is_together(folded, start, end):
                for source in self._sources[self._patterns[index]]:
                    yield _Found(start, end, source)
        for source in self._detectors:
            for match in DETECTORS[source.term].finditer(folded.text):
                yield _Found(match.start(), match.end(), source)

    def _plainest(self, found: Iterable[_Found]) -> list[_Found]:
        """Leave out what lies inside a longer hit that is at least as bad, and the same rule's second word for it."""
        kept: list[_Found] = []
        reach: dict[int, int] = {}  # the furthest end kept so far, by rank and above
        last: dict[int, int] = {}  # the same, by rule
        for one in sorted(found, key=lambda one: (one.start, -one.end, -self._rank(one))):
            covered = max((end for rank, end in reach.items() if rank >= self._rank(one)), default=0)
            is_same = any(self._is_as_bad(k, one) for k in kept[-4:])
            if one.end <= last.get(one.source.rule, 0) or (one.end <= covered and not is_same):
                continue
            kept.append(one)
            reach[self._rank(one)] = max(reach.get(self._rank(one), 0), one.end)
            last[one.source.rule] = one.end
        return kept

    def _is_as_bad(self, kept: _Found, one: _Found) -> bool:
        same_place = kept.start == one.start and kept.end == one.end
        return same_place and self._rank(kept) == self._rank(one)

    def _rank(self, one: _Found) -> int:
        return _RANK[self._rules[one.source.rule][1].severity]

    def _hit(self, one: _Found, folded: Folded, text: str) -> Hit:
        pack, rule = self._rules[one.source.rule]
        start, end = folded.origins[one.start], folded.origins[one.end - 1] + 1
        return Hit(
            term=text[start:end] if one.source.term in DETECTORS else one.source.term,
            start=start,
            end=end,
            rule=f"{pack.key}/{rule.code}",
            severity=rule.severity,
            basis=rule.basis,
            suggestion=rule.suggestion,
            pack=pack.key,
            version=pack.version,
        )


class _Excuses:
    """The exceptions that stand in one text."""

    def __init__(self, found: Iterable[_Found], longest: int) -> None:
        self._longest = longest
        self._by_rule: dict[int, list[_Found]] = {}
        for one in sorted(found, key=lambda one: one.start):
            self._by_rule.setdefault(one.source.rule, []).append(one)

    def hold(self, term: _Found, folded: Folded) -> bool:
        """Say whether one of the rule's exceptions makes this use of the term harmless."""
        ordered = self._by_rule.get(term.source.rule, [])
        # None is longer than that, so the rest of a long text need not be looked at.
        first = bisect_left(ordered, term.start - self._longest - _FAR, key=lambda one: one.start)
        last = bisect_right(ordered, term.end + _FAR, key=lambda one: one.start)
        return any(_excuses(one, term, folded) for one in ordered[first:last])


def _use(phrase: str) -> _Use:
    if phrase.endswith(CUE * 2):
        return _Use.NEAR
    if phrase.endswith(CUE):
        return _Use.BEFORE
    return _Use.AFTER if phrase.startswith(CUE) else _Use.COVERS


def _excuses(one: _Found, term: _Found, folded: Folded) -> bool:
    match one.source.use:
        case _Use.COVERS:
            return one.start <= term.start and term.end <= one.end
        case _Use.BEFORE:
            near = one.end <= term.start <= one.end + _REACH
            return near and folded.clauses[one.start] == folded.clauses[term.start]
        case _Use.NEAR:
            return one.start - _FAR <= term.end and term.start <= one.end + _FAR
        case _:
            near = term.end <= one.start <= term.end + _REACH
            return near and folded.clauses[one.start] == folded.clauses[term.start]


def _is_together(folded: Folded, start: int, end: int) -> bool:
    """Refuse what runs over the end of a clause, unless something stands between each of its characters."""
    if folded.clauses[start] == folded.clauses[end - 1]:
        return True
    gaps = (folded.origins[i + 1] - folded.origins[i] > 1 for i in range(start, end - 1))
    return end - start >= _SPELT_OUT and all(gaps)


def _is_word(text: str, folded: Folded, one: _Found) -> bool:
    """Refuse a Latin word inside a longer one, and a number inside a longer one: `no1` in `casino1`, 第1 in 第10."""
    before, after = folded.origins[one.start] - 1, folded.origins[one.end - 1] + 1
    first, last = folded.text[one.start], folded.text[one.end - 1]
    inside = (before >= 0 and _joins(text[before], first)) or (
        after < len(text) and _joins(last, text[after])
    )
    return not inside


def _joins(left: str, right: str) -> bool:
    if not (left.isascii() and right.isascii()):
        return False
    return (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())
