"""Whom a platform reaches, as its adapter declares it: levels per trait, each with where it comes from.

Words for people, shared by declarations, requests and profiles. No level is a measurement of a channel's own audience.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Age(StrEnum):
    """An age range, both ends inclusive."""

    UNDER_18 = "0-17"
    A18_24 = "18-24"
    A25_34 = "25-34"
    A35_44 = "35-44"
    A45_54 = "45-54"
    OVER_54 = "55+"


class Gender(StrEnum):
    """The two that platforms tell apart; whoever told neither is in the unknown share."""

    FEMALE = "female"
    MALE = "male"


class Region(StrEnum):
    """A part of the world; mainland China by size of city (tiers as the Chinese trade uses them)."""

    CN_LARGE_CITIES = "cn_large_cities"
    CN_SMALLER_CITIES = "cn_smaller_cities"
    HK_MO_TW = "hk_mo_tw"
    ASIA = "asia"
    EUROPE = "europe"
    NORTH_AMERICA = "north_america"
    LATIN_AMERICA = "latin_america"
    MIDDLE_EAST_AFRICA = "middle_east_africa"


class Interest(StrEnum):
    """A field that content is about."""

    ANIMATION = "animation"
    BEAUTY = "beauty"
    BUSINESS = "business"
    CAREERS = "careers"
    CARS = "cars"
    CULTURE = "culture"
    EDUCATION = "education"
    FASHION = "fashion"
    FINANCE = "finance"
    FOOD = "food"
    GAMES = "games"
    HEALTH = "health"
    HOME = "home"
    INDUSTRY = "industry"
    LOCAL_LIFE = "local_life"
    MUSIC_FILM = "music_film"
    NEWS = "news"
    PARENTING = "parenting"
    PETS = "pets"
    PUBLIC_AFFAIRS = "public_affairs"
    SCIENCE = "science"
    SOFTWARE = "software"
    SPORTS = "sports"
    TECHNOLOGY = "technology"
    TRAVEL = "travel"


class Market(StrEnum):
    """To whom the brand sells."""

    B2B = "b2b"
    B2C = "b2c"


class Goal(StrEnum):
    """What an account is kept for."""

    AWARENESS = "awareness"
    ENGAGEMENT = "engagement"
    CONVERSION = "conversion"
    SERVICE = "service"
    RECRUITING = "recruiting"
    LOYALTY = "loyalty"
    AUTHORITY = "authority"


class Tongue(StrEnum):
    """A language people read there: ISO 639-1."""

    ZH = "zh"
    EN = "en"
    JA = "ja"
    KO = "ko"
    DE = "de"
    FR = "fr"
    ES = "es"
    PT = "pt"


class MatrixRole(StrEnum):
    """What a channel is for among the brand's others."""

    CORE = "core"
    TRAFFIC = "traffic"
    SERVICE = "service"
    ARCHIVE = "archive"
    WATCH = "watch"


class Basis(StrEnum):
    """What a trait stands on."""

    PUBLISHED = "published"  # the platform, or research that is named, has said so
    JUDGEMENT = "judgement"  # what people of the trade hold to be so: no measurement


class Confidence(StrEnum):
    """How far a trait can be relied on."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """One side of a platform's audience. `strong`, `some`, `weak`: values with spaces between; any other is absent."""

    strong: str = ""
    some: str = ""
    weak: str = ""
    confidence: Confidence = Confidence.MEDIUM
    basis: Basis = Basis.JUDGEMENT
    source: str = "Editorial judgement, not measured."

    @property
    def levels(self) -> dict[str, int]:
        """Return each value's level: 3 for strong, 2 for some, 1 for weak."""
        given = (self.weak, self.some, self.strong)
        return {value: level for level, values in enumerate(given, start=1) for value in values.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """A platform's audience. A trait of None is unknown: it counts for nothing and lowers the confidence.

    `roles`: what a channel there can be among others, the most usual first; with CORE among them it can stand alone.
    """

    ages: Trait | None = None
    genders: Trait | None = None
    regions: Trait | None = None
    interests: Trait | None = None
    markets: Trait | None = None
    languages: Trait | None = None
    goals: Trait | None = None
    roles: tuple[MatrixRole, ...] = ()


UNKNOWN = Character()
# What each trait speaks of, by its field.
TRAITS: Mapping[str, type[StrEnum]] = {
    "ages": Age,
    "genders": Gender,
    "regions": Region,
    "interests": Interest,
    "markets": Market,
    "languages": Tongue,
    "goals": Goal,
}


def traits(character: Character) -> Iterator[tuple[str, Trait]]:
    """Return the traits that are known."""
    for name in TRAITS:
        trait = getattr(character, name)
        if trait is not None:
            yield name, trait


def problems(character: Character) -> Iterator[str]:
    """Say what is wrong with a declaration: a word that is none, or stands at two levels."""
    for name, trait in traits(character):
        given = [*trait.strong.split(), *trait.some.split(), *trait.weak.split()]
        unknown = sorted(set(given) - set(TRAITS[name]))
        if unknown:
            yield f"character.{name} does not know {', '.join(unknown)}"
        if len(set(given)) != len(given):
            yield f"character.{name} holds a word twice"
        if not trait.source.strip():
            yield f"character.{name} names no source"
