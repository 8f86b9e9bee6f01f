"""Checks against what the workspace has decided: its rule packs, and how much of what it says may sell."""

from collections.abc import Iterator

from drumtower.domain import ad_share, calendar, natures
from drumtower.domain import originality as domain_originality
from drumtower.domain.content import ChannelContent, Content, Nature
from drumtower.domain.errors import Evidence, Severity, Violation
from drumtower.domain.facts import Facts
from drumtower.domain.rule_packs import Hit, Screen


def texts_of(content: Content | ChannelContent) -> dict[str, str]:
    """Return what a reader of the post reads, by pointer."""
    said = {"/title": content.title, "/body": content.body}
    return said | {f"/hashtags/{index}": tag for index, tag in enumerate(content.hashtags)}


def rules(facts: Facts) -> Iterator[Violation]:
    for pointer, text in texts_of(facts.content).items():
        yield from screened(pointer, text, facts.standards.screen)


def advertising(facts: Facts) -> Iterator[Violation]:
    yield from ad_share.check(facts.content.nature, facts.standards.ad_share)


def originality(facts: Facts) -> Iterator[Violation]:
    yield from domain_originality.check(facts.standards.originality, facts.at)


def quiet_days(facts: Facts) -> Iterator[Violation]:
    yield from calendar.check_quiet(facts.standards.quiet_days)


def nature(facts: Facts) -> Iterator[Violation]:
    """Say that a post looks like an advertisement and is not called one; whether it is one a person decides."""
    suggested = natures.suggest(facts.content)
    if suggested.nature is Nature.PROMOTIONAL and facts.content.nature is not Nature.PROMOTIONAL:
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
