"""Checks against the workspace's rule packs."""

from collections.abc import Iterator

from drumtower.domain.content import ChannelContent, Content
from drumtower.domain.errors import Evidence, Violation
from drumtower.domain.facts import Facts
from drumtower.domain.rule_packs import Hit, Screen


def texts_of(content: Content | ChannelContent) -> dict[str, str]:
    """Return what a reader of the post reads, by pointer."""
    said = {"/title": content.title, "/body": content.body}
    return said | {f"/hashtags/{index}": tag for index, tag in enumerate(content.hashtags)}


def rules(facts: Facts) -> Iterator[Violation]:
    for pointer, text in texts_of(facts.content).items():
        yield from screened(pointer, text, facts.standards.screen)


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
