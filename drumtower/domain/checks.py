"""The check engine: what can be said of a post on one channel before anybody sends it.

Preflight asks it for people; scheduling and the claim ask it again. Pointers are those of the channel's content
(`/body`, `/asset_ids/0`, `/options/author`, `/channel`); `place` turns them into those of the post.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drumtower.domain import (
    accuracy_checks,
    aesthetic_checks,
    brand_checks,
    compliance_checks,
    editorial_checks,
    platform_checks,
    readability_checks,
)
from drumtower.domain.capabilities import TextRule
from drumtower.domain.content import Content
from drumtower.domain.errors import Severity, Violation
from drumtower.domain.facts import Facts
from drumtower.domain.reviews import Criterion
from drumtower.domain.text import Unit, length


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A violation and the point of review it belongs to; None: the platform or the channel itself."""

    criterion: Criterion | None
    violation: Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long the text is, counted the platform's way."""

    value: int
    maximum: int
    unit: Unit


Check = Callable[[Facts], Iterable[Violation]]

CHECKS: dict[Criterion | None, tuple[Check, ...]] = {
    None: (
        platform_checks.connected,
        platform_checks.kind,
        platform_checks.texts,
        platform_checks.link,
        platform_checks.media,
        platform_checks.options,
    ),
    Criterion.ACCURACY: (
        editorial_checks.placeholders,
        accuracy_checks.figures,
        accuracy_checks.dates,
        brand_checks.spellings,
    ),
    Criterion.COMPLIANCE: (
        compliance_checks.rules,
        compliance_checks.advertising,
        compliance_checks.nature,
        compliance_checks.originality,
        compliance_checks.quiet_days,
        brand_checks.banned_words,
        brand_checks.required_words,
        brand_checks.disclosures,
        brand_checks.pillar,
        editorial_checks.licences,
    ),
    Criterion.READABILITY: (
        editorial_checks.alt_texts,
        readability_checks.sentences,
        readability_checks.walls,
        readability_checks.difficulty,
        readability_checks.jargon,
        brand_checks.tone,
    ),
    Criterion.AESTHETICS: (
        editorial_checks.repeated_media,
        aesthetic_checks.sharpness,
        aesthetic_checks.weight,
        aesthetic_checks.shapes,
        aesthetic_checks.count,
    ),
}


def measure(facts: Facts) -> Length:
    """Count the composed text under the platform's rule."""
    return measures(facts.text, facts.capabilities.body)[0]


def measures(text: str, rule: TextRule | None) -> list[Length]:
    """Count a text under each limit of its rule; none where there is no rule."""
    found: list[Length] = []
    while rule is not None:
        found.append(Length(value=length(text, rule.unit), maximum=rule.maximum, unit=rule.unit))
        rule = rule.also
    return found


def examine(facts: Facts) -> list[Finding]:
    """Run every check; all findings at once, blocking ones first."""
    found = [
        Finding(criterion=criterion, violation=violation)
        for criterion, checks in CHECKS.items()
        for check in checks
        for violation in check(facts)
    ]
    return sorted(found, key=lambda finding: finding.violation.severity is not Severity.BLOCK)


def blocks(violations: Iterable[Violation]) -> bool:
    """Say whether one of them forbids sending."""
    return any(violation.severity is Severity.BLOCK for violation in violations)


def place(pointer: str, content: Content, variant: int | None) -> str:
    """Return where in the post the channel's pointer leads: into its variant where that has the field itself."""
    if variant is None:
        return pointer
    own = content.variants[variant]
    inside = {"body": own.body is not None, "title": own.title is not None, "options": True}
    inside["asset_ids"] = own.asset_ids is not None
    field = pointer.split("/", maxsplit=2)[1]
    if field == "channel":
        return f"/variants/{variant}/channel_id"
    return f"/variants/{variant}{pointer}" if inside.get(field) else pointer
