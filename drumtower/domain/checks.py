"""The check engine: what can be said of a post on one channel before anybody sends it.

Preflight asks it for people; scheduling and the claim ask it again. Pointers are those of the channel's content
(`/body`, `/asset_ids/0`, `/options/author`, `/channel`); `place` turns them into those of the post.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVarTuple
from uuid import UUID

from drumtower.domain import (
    accuracy_checks,
    ad_share,
    aesthetic_checks,
    brand_checks,
    calendar,
    compliance_checks,
    editorial_checks,
    originality,
    pictures,
    platform_checks,
    readability_checks,
)
from drumtower.domain.brands import Kit, ToneRules
from drumtower.domain.capabilities import TextRule
from drumtower.domain.content import Content, Nature, Texts, texts_of
from drumtower.domain.errors import Severity, Violation
from drumtower.domain.facts import Facts, Files
from drumtower.domain.link_looks import Look
from drumtower.domain.reviews import Criterion
from drumtower.domain.rule_packs import Screen
from drumtower.domain.text import Unit, length

Given = TypeVarTuple("Given")


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


@dataclass(frozen=True, slots=True, eq=False)
class Check(Generic[*Given]):
    """A rule and all that it is given of the facts: where that is the same, the rule has nothing new to say."""

    given: Callable[[Facts], tuple[*Given]]
    rule: Callable[[*Given], Iterable[Violation]]


def _all(facts: Facts) -> tuple[Facts]:
    return (facts,)


def _body(facts: Facts) -> tuple[str]:
    return (facts.content.body,)


def _written(facts: Facts) -> tuple[Texts]:
    return (texts_of(facts.content)[:2],)  # what a hashtag says is no sentence


def _dated(facts: Facts) -> tuple[Texts, date]:
    return (*_written(facts), facts.at.date())


def _linked(facts: Facts) -> tuple[tuple[str, ...], str, tuple[Look, ...]]:
    return facts.content.links, facts.content.body, facts.standards.links


def _named(facts: Facts) -> tuple[Texts, Kit]:
    return (*_written(facts), facts.kit)


def _screened(facts: Facts) -> tuple[Texts, Screen]:
    return texts_of(facts.content), facts.standards.screen


def _signs(facts: Facts) -> tuple[Texts, Nature]:
    links = ((f"/links/{index}", link) for index, link in enumerate(facts.content.links))
    return (*_written(facts)[0], *links), facts.content.nature


def _sold(facts: Facts) -> tuple[Nature, ad_share.AdShare | None]:
    return facts.content.nature, facts.standards.ad_share


def _likenesses(facts: Facts) -> tuple[originality.Originality | None, datetime]:
    return facts.standards.originality, facts.at


def _shown(facts: Facts) -> tuple[tuple[pictures.Lookalike, ...], tuple[UUID, ...], datetime, timedelta]:
    found = facts.standards.originality
    return (
        found.lookalikes if found else (),
        facts.content.asset_ids,
        facts.at,
        found.rest if found else timedelta(),
    )


def _quiet_days(facts: Facts) -> tuple[tuple[calendar.Mark, ...]]:
    return (facts.standards.quiet_days,)


def _banned(facts: Facts) -> tuple[Texts, tuple[str, ...]]:
    return texts_of(facts.content), facts.kit.banned_words


def _required(facts: Facts) -> tuple[Texts, tuple[str, ...]]:
    return texts_of(facts.content), facts.kit.required_words


def _toned(facts: Facts) -> tuple[Texts, ToneRules]:
    return (*_written(facts), facts.kit.tone)


def _files(facts: Facts) -> tuple[Files]:
    return (facts.media,)


def _licensed(facts: Facts) -> tuple[Files, datetime]:
    return facts.media, facts.at


def _file_ids(facts: Facts) -> tuple[tuple[UUID, ...]]:
    return (facts.content.asset_ids,)


def _jargon(facts: Facts) -> tuple[str, tuple[str, ...]]:
    return facts.content.body, facts.standards.jargon


CHECKS: dict[Criterion | None, tuple[Check[*tuple[Any, ...]], ...]] = {
    None: (
        Check(_all, platform_checks.connected),
        Check(_all, platform_checks.kind),
        Check(_all, platform_checks.texts),
        Check(_all, platform_checks.follow_ups),
        Check(_all, platform_checks.link),
        Check(_all, platform_checks.media),
        Check(_all, platform_checks.hashtags),
        Check(_all, platform_checks.options),
    ),
    Criterion.ACCURACY: (
        Check(_written, editorial_checks.placeholders),
        Check(_body, accuracy_checks.figures),
        Check(_dated, accuracy_checks.dates),
        Check(_linked, accuracy_checks.links),
        Check(_named, brand_checks.spellings),
    ),
    Criterion.COMPLIANCE: (
        Check(_screened, compliance_checks.rules),
        Check(_sold, ad_share.check),
        Check(_signs, compliance_checks.nature),
        Check(_likenesses, originality.check),
        Check(_shown, pictures.check),
        Check(_quiet_days, calendar.check_quiet),
        Check(_banned, brand_checks.banned_words),
        Check(_required, brand_checks.required_words),
        Check(_all, brand_checks.disclosures),
        Check(_all, brand_checks.pillar),
        Check(_licensed, editorial_checks.licences),
    ),
    Criterion.READABILITY: (
        Check(_files, editorial_checks.alt_texts),
        Check(_body, readability_checks.sentences),
        Check(_body, readability_checks.walls),
        Check(_body, readability_checks.difficulty),
        Check(_jargon, readability_checks.jargon),
        Check(_toned, brand_checks.tone),
    ),
    Criterion.AESTHETICS: (
        Check(_file_ids, editorial_checks.repeated_media),
        Check(_files, aesthetic_checks.sharpness),
        Check(_files, aesthetic_checks.weight),
        Check(_files, aesthetic_checks.shapes),
        Check(_files, aesthetic_checks.count),
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
    return examine_each([facts])[0]


def examine_each(given: Sequence[Facts]) -> list[list[Finding]]:
    """Return what `examine` finds of each, in order; what several have in common is looked at once."""
    known: dict[Hashable, list[Finding]] = {}
    return [_examined(facts, known) for facts in given]


def _examined(facts: Facts, known: dict[Hashable, list[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    for criterion, checks in CHECKS.items():
        for check in checks:
            seen = (check, given := check.given(facts))
            if seen not in known:
                known[seen] = [Finding(criterion=criterion, violation=one) for one in check.rule(*given)]
            found += known[seen]
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
