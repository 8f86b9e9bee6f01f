"""Checks against what the workspace has decided: its rule packs, and how much of what it says may sell."""

from collections.abc import Iterator

from drumtower.domain import natures
from drumtower.domain.content import Nature, Texts
from drumtower.domain.errors import Evidence, Severity, Violation
from drumtower.domain.rule_packs import Hit, Screen


def rules(texts: Texts, screen: Screen) -> Iterator[Violation]:
    """Say what the workspace's rule packs find in the texts."""
    for pointer, text in texts:
        yield from screened(pointer, text, screen)


def nature(texts: Texts, told: Nature) -> Iterator[Violation]:
    """Say that a post looks like an advertisement and is not called one; whether it is one a person decides."""
    suggested = natures.suggest(texts)
    if suggested.nature is Nature.PROMOTIONAL and told is not Nature.PROMOTIONAL:
        first = suggested.signs[0]
        signs = ", ".join(f"{sign.kind} “{sign.quote}”" for sign in suggested.signs)
        yield Violation(
            pointer="/nature",
            code="nature_doubtful",
            detail=f"It looks promotional: {signs}.",
            hint='If it sells something, set nature to "promotional"; it then counts towards the ad share.',
            severity=Severity.WARN,
            evidence=Evidence(quote=first.quote, start=first.start, end=first.end),
            fix=Nature.PROMOTIONAL.value,
        )


def screened(pointer: str, text: str, screen: Screen) -> Iterator[Violation]:
    """Say what the rule packs find in one text."""
    for hit in screen(text):
        yield _violation(pointer, text, hit)


def _violation(pointer: str, text: str, hit: Hit) -> Violation:
    quote = text[hit.start : hit.end]
    return Violation(
        pointer=pointer,
        code="rule_hit",
        detail=f"“{quote}” — {hit.basis}" if hit.basis else f"“{quote}” is on the list {hit.rule}.",
        hint=hit.suggestion or "Say it in other words.",
        severity=hit.severity,
        evidence=Evidence(quote=quote, start=hit.start, end=hit.end, rule=hit.rule, basis=hit.basis),
    )
