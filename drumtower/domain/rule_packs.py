"""Compliance rule packs: what a text should not say, why, and where the same words are harmless.

A pack's version never changes; a workspace has at most one version of each pack active. How words are found, whatever
their spelling, is the matter of `drumtower/language/terms.py`; this module knows only what a rule and a hit are.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from drumtower.domain.errors import Severity, Violation

MOST_RULES = 1_000
MOST_TERMS = 20_000  # of a version, exceptions included
LONGEST_TERM = 60
MOST_PACKS = 20  # of a workspace's own
# An exception `X…` stands before a term in the same clause, `…X` after it, `X……` within a few clauses of it.
CUE = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Terms under one code. `industries` and `platforms`: where it holds; empty means everywhere."""

    code: str
    severity: Severity
    terms: tuple[str, ...]
    exceptions: tuple[str, ...] = ()
    basis: str = ""
    suggestion: str = ""
    industries: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()

    def holds(self, platform: str | None, industry: str | None) -> bool:
        """Say whether it binds here; what is not named (None) rules nothing out."""
        return _among(platform, self.platforms) and _among(industry, self.industries)


def _among(one: str | None, named: tuple[str, ...]) -> bool:
    return not named or one is None or one in named


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One version of a pack. `key` names the pack in findings: `key/code`."""

    key: str
    version: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """A pack as it comes with this release."""

    id: UUID
    name: str
    description: str
    pack: Pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A term found in a text: `start` and `end` count code points of the text as it was given, end exclusive."""

    term: str
    start: int
    end: int
    rule: str
    severity: Severity
    basis: str
    suggestion: str
    pack: str
    version: int


# What finds the hits of a workspace's active packs in a text, in the order in which they stand.
Screen = Callable[[str], Sequence[Hit]]


def nothing(_: str) -> Sequence[Hit]:
    """The screen of a workspace without packs."""
    return ()


def digest(versions: Sequence[tuple[str, int]]) -> str:
    """Name a set of active pack versions (key, version): equal sets find equal things."""
    return hashlib.sha256(json.dumps(sorted(versions)).encode()).hexdigest()[:16]


def to_json(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Return the rules as plain JSON, the form in which versions are stored."""
    return [{name: _plain(value) for name, value in asdict(rule).items()} for rule in rules]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else str(value)


def from_json(stored: Sequence[dict[str, Any]]) -> tuple[Rule, ...]:
    """Read a stored version."""
    return tuple(
        Rule(
            code=one["code"],
            severity=Severity(one["severity"]),
            basis=one["basis"],
            suggestion=one["suggestion"],
            **{name: tuple(one[name]) for name in ("terms", "exceptions", "industries", "platforms")},
        )
        for one in stored
    )


def violations_of(
    rules: Sequence[Rule], fold: Callable[[str], str], known: frozenset[str]
) -> list[Violation]:
    """Say what is wrong with a new version. `fold` gives what is compared; `known` are the detectors' names."""
    found = [*_sizes(rules)]
    codes = [rule.code for rule in rules]
    for index, rule in enumerate(rules):
        if rule.code in codes[:index]:
            detail = f"The code {rule.code!r} stands twice."
            found.append(_wrong(f"/rules/{index}/code", "rule_code_doubled", detail, "Name each rule once."))
        found += _terms(rule, f"/rules/{index}", fold, known)
    return found


def _sizes(rules: Sequence[Rule]) -> Iterator[Violation]:
    terms = sum(len(rule.terms) + len(rule.exceptions) for rule in rules)
    if terms > MOST_TERMS:
        detail = f"The version has {terms} terms and exceptions; {MOST_TERMS} is the most."
        yield _wrong("/rules", "too_many_terms", detail, "Split it into two packs.")


def _terms(
    rule: Rule, pointer: str, fold: Callable[[str], str], known: frozenset[str]
) -> Iterator[Violation]:
    for field in ("terms", "exceptions"):
        for index, term in enumerate(getattr(rule, field)):
            if field == "terms" and term.startswith("@"):
                if term not in known:
                    detail = f"There is no detector {term}."
                    hint = f"There are: {', '.join(sorted(known))}."
                    yield _wrong(f"{pointer}/{field}/{index}", "unknown_detector", detail, hint)
            elif not fold(term.strip(CUE)):
                detail = f"{term!r} holds no letter or digit, so nothing can be compared with it."
                yield _wrong(f"{pointer}/{field}/{index}", "term_empty", detail, "Write the word itself.")


def _wrong(pointer: str, code: str, detail: str, hint: str) -> Violation:
    return Violation(pointer=pointer, code=code, detail=detail, hint=hint)
