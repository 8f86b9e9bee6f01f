"""Checks against the brand: its words, its tone, what it tells its readers, and what it means to speak of."""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import regex

from drumtower.domain.brands import Address, DisclosureRule, Kit, PillarShare, ToneRules
from drumtower.domain.content import Nature, Texts
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.errors import Evidence, Severity, Violation
from drumtower.domain.facts import Facts

# What holds for every brand. Advertisements: Advertising Law of the PRC, art. 14. Files made by AI: Measures for
# Labelling AI-Generated Synthetic Content, in force since 2025-09-01, art. 10.
DISCLOSURE_RULES = (
    DisclosureRule(disclosure=Disclosure.AD, severity=Severity.WARN, natures=(Nature.PROMOTIONAL,)),
    DisclosureRule(disclosure=Disclosure.AI_GENERATED, severity=Severity.WARN, ai_assets=True),
)
OFF_PLAN = 10.0  # percentage points over its plan from which a pillar is spoken of too much
FEW = 10  # posts, below which shares say nothing

_FORMAL = regex.compile("您")
_FAMILIAR = regex.compile("(?<!迷)你(?!好[吗嗎]?[，,。!！])")  # 迷你 is a size, 你好 a greeting of both kinds
_EXCLAMATION = regex.compile("[!！]")
_EMOJI = regex.compile(r"\p{Emoji_Presentation}|\p{Emoji}\uFE0F")


@lru_cache(maxsize=64)  # two checks ask of the same texts
def _plain(text: str) -> str:
    """Fold width, case and invisible characters, so that no spelling of a word slips past its plain form."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return regex.sub(r"[\p{Cf}\p{Default_Ignorable_Code_Point}]", "", folded)


def banned_words(texts: Texts, banned: Sequence[str]) -> Iterator[Violation]:
    """Say which words stand in the texts that the brand does not use."""
    looked_for = [(word, plain) for word in banned if (plain := _plain(word))]
    for pointer, text in texts:
        said = _plain(text)
        for word, plain in looked_for:
            if plain in said:
                yield Violation(
                    pointer=pointer,
                    code="banned_word",
                    detail=f"The brand does not say {word!r}.",
                    hint="Say it in other words.",
                )


def required_words(texts: Texts, required: Sequence[str]) -> Iterator[Violation]:
    """Say which words the brand asks for and the texts lack."""
    said = "\n".join(_plain(text) for _, text in texts)
    for word in required:
        if _plain(word) not in said:
            yield Violation(
                pointer="/body",
                code="required_word_missing",
                detail=f"The brand wants {word!r} in its posts.",
                hint="Add it.",
                severity=Severity.WARN,
            )


def disclosures(facts: Facts) -> Iterator[Violation]:
    """Say what readers are not told and must be; the strictest of the rules that ask for it counts."""
    asked: dict[Disclosure, DisclosureRule] = {}
    has_ai_assets = any(media is not None and media.ai_generated for media in facts.media)
    for rule in (*DISCLOSURE_RULES, *facts.kit.disclosure_rules):
        applies = rule.applies(facts.content.nature, facts.slug, facts.standards.campaign_id, has_ai_assets)
        if applies and (rule.disclosure not in asked or rule.severity is Severity.BLOCK):
            asked[rule.disclosure] = rule
    for disclosure, rule in asked.items():
        if disclosure not in facts.content.disclosures:
            yield _undisclosed(disclosure, rule)


_TOLD = {
    Disclosure.AD: "A promotional post should say that it is an advertisement.",
    Disclosure.AI_GENERATED: "A file of the post was made by AI, and readers must be told.",
}


def _undisclosed(disclosure: Disclosure, rule: DisclosureRule) -> Violation:
    return Violation(
        pointer="/disclosures",
        code="disclosure_missing",
        detail=_TOLD[disclosure]
        if rule in DISCLOSURE_RULES
        else f"The brand tells its readers here: {disclosure}.",
        hint=f'Add "{disclosure}" to disclosures.',
        severity=rule.severity,
        fix=disclosure.value,
    )


def spellings(texts: Texts, kit: Kit) -> Iterator[Violation]:
    """Say where a name stands in another case or width, with a gap in it, or in a spelling that is known as wrong."""
    for pointer, text in texts:
        found = {(one.start, one.end): one for one in _misspelt(text, kit)}
        for start, end in sorted(found):
            one = found[start, end]
            yield Violation(
                pointer=pointer,
                code="name_misspelt",
                detail=f"The brand writes {one.right!r}, not {text[start:end]!r}.",
                hint="Write it as the brand does.",
                severity=Severity.WARN,
                evidence=Evidence(quote=text[start:end], start=start, end=end),
                fix=one.right,
            )


class _Wrong(NamedTuple):
    """A wrong spelling in a text."""

    start: int
    end: int
    right: str


def _misspelt(text: str, kit: Kit) -> Iterator[_Wrong]:
    for name in kit.names:
        pattern = _loose(name)
        for match in pattern.finditer(text) if pattern else ():
            if match.group() != name:
                yield _Wrong(match.start(), match.end(), name)
    known, rights = _known(kit)
    for match in known.finditer(text) if known else ():
        if (right := rights.get(match.group())) is not None:
            yield _Wrong(match.start(), match.end(), right)


@lru_cache(maxsize=1_024)
def _loose(name: str) -> regex.Pattern[str] | None:
    """Match a name whatever its case and gaps; only one that has Latin letters can be misspelt so."""
    plain = regex.sub(r"\s+", "", name)
    if len(plain) < 3 or not regex.search(r"[A-Za-z]", plain):
        return None
    inner = r"[\s-]?".join(regex.escape(one) for one in plain)
    return regex.compile(rf"(?i)(?<![A-Za-z0-9@#/._]){inner}(?![A-Za-z0-9._/])")


@lru_cache(maxsize=256)
def _known(kit: Kit) -> tuple[regex.Pattern[str] | None, dict[str, str]]:
    """Match wrong spellings, and right ones before them: what is a part of a right name is not wrong there."""
    rights = {wrong: one.name for one in kit.product_names for wrong in one.wrong}
    if not rights:
        return None, {}
    every = sorted({*rights, *kit.names}, key=len, reverse=True)
    return regex.compile("|".join(_whole(one) for one in every)), rights


def _whole(word: str) -> str:
    """Match a word that is no part of a longer Latin one."""
    before = r"(?<![A-Za-z0-9])" if word[0].isascii() else ""
    after = r"(?![A-Za-z0-9])" if word[-1].isascii() else ""
    return f"{before}{regex.escape(word)}{after}"


def tone(texts: Texts, rules: ToneRules) -> Iterator[Violation]:
    """Say where the texts leave a tone, as far as that can be counted."""
    for pointer, text in texts:
        yield from _address(pointer, text, rules.address)
    said = "\n".join(text for _, text in texts)
    marks, emoji = len(_EXCLAMATION.findall(said)), len(_EMOJI.findall(said))
    yield from _counted("tone_exclamations", "exclamation marks", marks, rules.most_exclamations)
    yield from _counted("tone_emoji", "emoji", emoji, rules.most_emoji)


def _counted(code: str, what: str, count: int, most: int | None) -> Iterator[Violation]:
    if most is not None and count > most:
        yield Violation(
            pointer="/body",
            code=code,
            detail=f"{count} {what}; the brand's tone takes {most} in a post.",
            hint="Leave some out.",
            severity=Severity.WARN,
        )


def _address(pointer: str, text: str, address: Address | None) -> Iterator[Violation]:
    if address is None:
        return
    strange, right = (_FAMILIAR, "您") if address is Address.FORMAL else (_FORMAL, "你")
    for match in strange.finditer(text):
        yield Violation(
            pointer=pointer,
            code="tone_address",
            detail=f"The brand says {right} to its readers, not {match.group()}.",
            hint="Speak to readers as the brand does.",
            severity=Severity.WARN,
            evidence=Evidence(quote=match.group(), start=match.start(), end=match.end()),
            fix=right,
        )


def pillar(facts: Facts) -> Iterator[Violation]:
    """Say that a post belongs to no pillar, or to one that is spoken of more than planned."""
    share = facts.standards.pillar
    if share is None:
        return
    if share.pillar is None:
        yield _off_pillar(
            "pillar_missing", "The post names no pillar.", "Name what the brand speaks of with it."
        )
    elif share.planned is None:
        detail = f"{share.pillar!r} is no pillar in the brand's plan."
        yield _off_pillar("pillar_unplanned", detail, "Name one of the plan, or plan it.")
    elif _is_off(share):
        detail = f"{share.percent:.0f} % of the posts would belong to {share.pillar!r}; {share.planned:g} % are planned."
        yield _off_pillar("pillar_over_plan", detail, "GET /v1/brands/{id}/drift shows all pillars.")


def _is_off(share: PillarShare) -> bool:
    total = share.posts * 100 / share.percent if share.percent else 0
    return total >= FEW and (share.drift or 0.0) > OFF_PLAN


def _off_pillar(code: str, detail: str, hint: str) -> Violation:
    return Violation(pointer="/pillar", code=code, detail=detail, hint=hint, severity=Severity.INFO)
