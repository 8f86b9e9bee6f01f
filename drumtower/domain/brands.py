"""What a brand holds its posts to: names, words, tone, colours, disclosures, and how much of what it means to say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from drumtower.domain.content import Nature
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.errors import Severity, Violation

WHOLE = 100  # percent
PILLAR_WINDOW = timedelta(days=30)  # over which pillars are counted


class ColourRole(StrEnum):
    """What a colour of the palette is for."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    ACCENT = "accent"
    BACKGROUND = "background"
    TEXT = "text"


class FontRole(StrEnum):
    """What a font is for."""

    HEADING = "heading"
    BODY = "body"
    NUMBERS = "numbers"


class Address(StrEnum):
    """How readers are spoken to: 您 or 你."""

    FORMAL = "formal"
    FAMILIAR = "familiar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """A named colour, `#RRGGBB`."""

    name: str
    hex: str
    role: ColourRole


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductName:
    """A name as it is written, and how it is written wrongly."""

    name: str
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneRules:
    """What of a tone can be counted; None: nothing is asked."""

    address: Address | None = None
    most_exclamations: int | None = None  # in one post
    most_emoji: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureRule:
    """When readers must be told something: where everything that is named here applies; what is empty rules nothing out."""

    disclosure: Disclosure
    severity: Severity
    natures: tuple[Nature, ...] = ()
    platforms: tuple[str, ...] = ()
    campaign_ids: tuple[UUID, ...] = ()
    ai_assets: bool = False  # a file of the post was made by AI

    def applies(self, nature: Nature, platform: str, campaign_id: UUID | None, has_ai_assets: bool) -> bool:
        return (
            (not self.natures or nature in self.natures)
            and (not self.platforms or platform in self.platforms)
            and (not self.campaign_ids or campaign_id in self.campaign_ids)
            and (has_ai_assets or not self.ai_assets)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PillarShare:
    """How much of what a brand says belongs to a pillar. `planned` in percent; None: no plan. `pillar` None: none named."""

    pillar: str | None
    posts: int
    percent: float
    planned: float | None

    @property
    def drift(self) -> float | None:
        """Percentage points over the plan; below it negative."""
        return None if self.planned is None else self.percent - self.planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What the checks hold posts to."""

    name: str = ""
    banned_words: tuple[str, ...] = ()
    required_words: tuple[str, ...] = ()
    product_names: tuple[ProductName, ...] = ()
    tone: ToneRules = ToneRules()
    disclosure_rules: tuple[DisclosureRule, ...] = ()
    palette: tuple[Colour, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Whatever is written one way only."""
        return tuple(
            filter(None, (self.name, *self.required_words, *(one.name for one in self.product_names)))
        )


def product_names(stored: Sequence[Mapping[str, Any]]) -> tuple[ProductName, ...]:
    """Read stored names."""
    return tuple(ProductName(name=one["name"], wrong=tuple(one["wrong"])) for one in stored)


def tone_rules(stored: Mapping[str, Any]) -> ToneRules:
    """Read stored rules of the tone; what is absent is not asked for."""
    address = stored.get("address")
    return ToneRules(
        address=Address(address) if address else None,
        most_exclamations=stored.get("most_exclamations"),
        most_emoji=stored.get("most_emoji"),
    )


def disclosure_rules(stored: Sequence[Mapping[str, Any]]) -> tuple[DisclosureRule, ...]:
    """Read stored rules."""
    return tuple(
        DisclosureRule(
            disclosure=Disclosure(one["disclosure"]),
            severity=Severity(one["severity"]),
            natures=tuple(Nature(nature) for nature in one["natures"]),
            platforms=tuple(one["platforms"]),
            campaign_ids=tuple(UUID(campaign_id) for campaign_id in one["campaign_ids"]),
            ai_assets=one["ai_assets"],
        )
        for one in stored
    )


def palette(stored: Sequence[Mapping[str, Any]]) -> tuple[Colour, ...]:
    """Read stored colours."""
    return tuple(Colour(name=one["name"], hex=one["hex"], role=ColourRole(one["role"])) for one in stored)


class ContrastLevel(StrEnum):
    """For which text it does; `large` is bold from 18.7 px, or any from 24 px."""

    ALL = "all"
    LARGE = "large"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """How well a text colour is read on a background: WCAG 2.2, success criterion 1.4.3."""

    text: str
    background: str
    ratio: float  # 1 to 21

    @property
    def level(self) -> ContrastLevel:
        return next(level for least, level in _LEVELS if self.ratio >= least)


_LEVELS = ((4.5, ContrastLevel.ALL), (3.0, ContrastLevel.LARGE), (0.0, ContrastLevel.NONE))


def contrasts(colours: Sequence[Colour]) -> list[Contrast]:
    """Return the contrast of each text colour on each background of a palette, the worst first."""
    found = [
        Contrast(text=text.name, background=ground.name, ratio=round(_ratio(text.hex, ground.hex), 2))
        for text in colours
        if text.role is ColourRole.TEXT
        for ground in colours
        if ground.role is ColourRole.BACKGROUND
    ]
    return sorted(found, key=lambda one: one.ratio)


def _ratio(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance of sRGB, WCAG 2.2."""
    shares = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def pillar_plan(stored: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Read a stored plan: percent of the posts by pillar."""
    return {one["pillar"]: float(one["percent"]) for one in stored}


def shares(posts: Mapping[str | None, int], planned: Mapping[str, float]) -> list[PillarShare]:
    """Return each pillar's share of the posts, those planned first; without posts every share is 0."""
    total = sum(posts.values())
    names = list(
        dict.fromkeys([*planned, *sorted(name for name in posts if name), *([None] if None in posts else [])])
    )
    return [
        PillarShare(
            pillar=name,
            posts=posts.get(name, 0),
            percent=WHOLE * posts.get(name, 0) / total if total else 0.0,
            planned=planned.get(name) if name is not None and planned else None,
        )
        for name in names
    ]


def contradictions(brand: Mapping[str, Any]) -> Iterator[Violation]:
    """Say where a brand, as it would be stored, contradicts itself."""
    yield from _words(brand["banned_words"], brand["required_words"])
    yield from _names(brand["product_names"])
    yield from _plan(brand["pillars"], brand["pillar_plan"])
    for field, key in (
        ("palette", "name"),
        ("product_names", "name"),
        ("pillar_plan", "pillar"),
        ("fonts", "role"),
    ):
        yield from _doubled(field, [one[key] for one in brand[field]], f"/{key}")
    for field in ("pillars", "core_values"):
        yield from _doubled(field, brand[field], "")


def _words(banned: Sequence[str], required: Sequence[str]) -> Iterator[Violation]:
    for index, word in enumerate(banned):
        if any(word in one for one in required):
            detail = f"{word!r} is banned, and stands in a word that is required."
            yield _wrong(f"/banned_words/{index}", "word_contradicted", detail, "Take one of the two away.")


def _names(names: Sequence[Mapping[str, Any]]) -> Iterator[Violation]:
    right = {one["name"] for one in names}
    for index, one in enumerate(names):
        for number, wrong in enumerate(one["wrong"]):
            if wrong in right:
                pointer = f"/product_names/{index}/wrong/{number}"
                detail = f"{wrong!r} is a product's right name."
                yield _wrong(pointer, "word_contradicted", detail, "Name wrong spellings only.")


def _plan(pillars: Sequence[str], plan: Sequence[Mapping[str, Any]]) -> Iterator[Violation]:
    for index, one in enumerate(plan):
        if one["pillar"] not in pillars:
            detail = f"{one['pillar']!r} is none of the brand's pillars."
            hint = f"They are: {', '.join(pillars) or 'none yet'}."
            yield _wrong(f"/pillar_plan/{index}/pillar", "unknown_pillar", detail, hint)
    if (total := sum(one["percent"] for one in plan)) > WHOLE:
        detail = f"The shares come to {total:g} percent."
        yield _wrong("/pillar_plan", "shares_over_whole", detail, "Let them come to 100 at most.")


def _doubled(field: str, values: Sequence[str], tail: str) -> Iterator[Violation]:
    for index, value in enumerate(values):
        if value in values[:index]:
            detail = f"{value!r} stands here twice."
            yield _wrong(f"/{field}/{index}{tail}", "duplicate_value", detail, "Say it once.")


def _wrong(pointer: str, code: str, detail: str, hint: str) -> Violation:
    return Violation(pointer=pointer, code=code, detail=detail, hint=hint)
