"""Which platforms suit a target audience: a sum of components over the audience characters that adapters declare.

docs/reference/platform-fit.md explains formula and weights. What is unknown adds nothing to a score, and is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import prod

from drumtower.domain.audience_labels import TRAIT_NAMES, label, named
from drumtower.domain.audiences import TRAITS, Basis, Character, Confidence, Goal, MatrixRole
from drumtower.domain.capabilities import Label
from drumtower.domain.content import Kind

# What a component counts; those that nobody asked for are left out and the others share the whole.
WEIGHTS: Mapping[str, int] = {
    "languages": 25,
    "regions": 20,
    "interests": 20,
    "goals": 20,
    "content_kinds": 15,
    "ages": 15,
    "markets": 15,
    "genders": 5,
}
# What a level is worth: absent, weak, some, strong.
WORTH = (0.0, 0.25, 0.6, 1.0)
SURE: Mapping[Confidence, float] = {Confidence.HIGH: 1.0, Confidence.MEDIUM: 0.7, Confidence.LOW: 0.4}
HIGH_FROM, MEDIUM_FROM = 0.8, 0.55
# Below this a platform is only watched; a second core must come this close to the first.
WATCHED_BELOW = 0.45
SECOND_CORE = 0.9
# Which role serves which goal.
SERVES: Mapping[MatrixRole, frozenset[Goal]] = {
    MatrixRole.TRAFFIC: frozenset({Goal.AWARENESS, Goal.ENGAGEMENT, Goal.CONVERSION}),
    MatrixRole.SERVICE: frozenset({Goal.SERVICE, Goal.LOYALTY, Goal.CONVERSION}),
    MatrixRole.ARCHIVE: frozenset({Goal.AUTHORITY, Goal.RECRUITING}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A platform to judge: whom it reaches and which kinds its adapter declares."""

    platform: str
    character: Character
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is asked for: values by component. A component without values is not asked for."""

    wanted: Mapping[str, frozenset[StrEnum]]

    @property
    def asked(self) -> list[str]:
        return [name for name in WEIGHTS if self.wanted.get(name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of a score. `score` None: unknown. `weight`: its share of the whole, all together 1."""

    name: str
    weight: float
    score: float | None
    confidence: Confidence | None
    basis: Basis | None  # None: a documented fact of the platform, or unknown
    source: str
    reason: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How well a platform suits. `score` is what is known to speak for it; `unknown` the share nobody knows."""

    platform: str
    score: float
    unknown: float
    confidence: Confidence
    components: tuple[Component, ...]
    role: MatrixRole = MatrixRole.WATCH
    reason: Label = field(default_factory=lambda: Label(zh_cn="", en=""))


def rank(candidates: Iterable[Candidate], target: Target) -> list[Fit]:
    """Return every platform, the best first, by name among equals, each with its role."""
    by_name = sorted(candidates, key=lambda one: one.platform)
    fits = sorted((_fit(one, target) for one in by_name), key=lambda fit: -fit.score)
    characters = {one.platform: one.character for one in by_name}
    cores = _cores(fits, characters)
    goals = target.wanted.get("goals", frozenset())
    return [_with_role(fit, _role(fit, characters[fit.platform], cores, goals)) for fit in fits]


def _fit(candidate: Candidate, target: Target) -> Fit:
    asked = target.asked
    whole = sum(WEIGHTS[name] for name in asked)
    parts = tuple(_component(candidate, name, target.wanted[name], WEIGHTS[name] / whole) for name in asked)
    known = [part for part in parts if part.score is not None]
    sure = sum(part.weight * SURE[part.confidence] for part in known if part.confidence)
    return Fit(
        platform=candidate.platform,
        score=round(sum(part.weight * (part.score or 0.0) for part in known), 4),
        unknown=round(sum(part.weight for part in parts if part.score is None), 4),
        confidence=_confidence(sure),
        components=parts,
    )


def _confidence(sure: float) -> Confidence:
    if sure >= HIGH_FROM:
        return Confidence.HIGH
    return Confidence.MEDIUM if sure >= MEDIUM_FROM else Confidence.LOW


def _component(candidate: Candidate, name: str, wanted: frozenset[StrEnum], weight: float) -> Component:
    if name == "content_kinds":
        return _kinds(candidate, wanted, weight)
    trait = getattr(candidate.character, name)
    if trait is None:
        reason = Label(
            zh_cn="未知：没有可用的依据，不计分。", en="Unknown: nothing to go by, so it counts for nothing."
        )
        return Component(
            name=name, weight=weight, score=None, confidence=None, basis=None, source="", reason=reason
        )
    levels = {value: trait.levels.get(value, 0) for value in TRAITS[name] if value in wanted}
    return Component(
        name=name,
        weight=weight,
        score=round(_score(name, levels.values()), 4),
        confidence=trait.confidence,
        basis=trait.basis,
        source=trait.source,
        reason=_reason(levels),
    )


def _score(name: str, levels: Iterable[int]) -> float:
    """Return the mean worth; of interests the chance that at least one is met, so that another never lowers it."""
    worths = sorted(WORTH[level] for level in levels)
    if name == "interests":
        return 1 - prod(1 - worth for worth in worths)
    return sum(worths) / len(worths)


def _kinds(candidate: Candidate, wanted: frozenset[StrEnum], weight: float) -> Component:
    taken = [kind for kind in Kind if kind in wanted and kind in candidate.kinds]
    missing = [kind for kind in Kind if kind in wanted and kind not in candidate.kinds]
    takes, lacks = named(taken), named(missing)
    return Component(
        name="content_kinds",
        weight=weight,
        score=round(len(taken) / len(wanted), 4),
        confidence=Confidence.HIGH,
        basis=None,
        source="The adapter's declared kinds, from the platform's documentation.",
        reason=Label(
            zh_cn="；".join(
                [*([f"支持{takes.zh_cn}"] if taken else []), *([f"不支持{lacks.zh_cn}"] if missing else [])]
            ),
            en="; ".join(
                [
                    *([f"takes {takes.en}"] if taken else []),
                    *([f"does not take {lacks.en}"] if missing else []),
                ]
            ),
        ),
    )


_LEVEL_WORDS = {3: ("强", "strong"), 2: ("一般", "some"), 1: ("弱", "weak"), 0: ("几乎没有", "hardly any")}


def _reason(levels: Mapping[StrEnum, int]) -> Label:
    zh_cn, en = [], []
    for level, (chinese, english) in _LEVEL_WORDS.items():
        if values := [value for value, found in levels.items() if found == level]:
            names = named(values)
            zh_cn.append(f"{chinese}：{names.zh_cn}")
            en.append(f"{english}: {names.en}")
    return Label(zh_cn="；".join(zh_cn), en="; ".join(en))


def _cores(fits: Sequence[Fit], characters: Mapping[str, Character]) -> list[str]:
    """Return one platform to start with, and a second where it is about as good; none where nothing speaks for any."""
    able = [fit for fit in fits if MatrixRole.CORE in characters[fit.platform].roles and fit.score > 0]
    if not able:
        return []
    second = [fit for fit in able[1:2] if fit.score >= SECOND_CORE * able[0].score]
    return [fit.platform for fit in [able[0], *second]]


def _role(fit: Fit, character: Character, cores: Sequence[str], goals: frozenset[StrEnum]) -> MatrixRole:
    if fit.platform in cores:
        return MatrixRole.CORE
    others = [role for role in character.roles if role in SERVES]
    if fit.score < WATCHED_BELOW or not others:
        return MatrixRole.WATCH
    # max takes the first among equals: the platform's most usual role.
    return max(others, key=lambda role: len(SERVES[role] & goals))


def _with_role(fit: Fit, role: MatrixRole) -> Fit:
    known = [part for part in fit.components if part.score is not None]
    best = max(known, key=lambda part: part.weight * (part.score or 0.0), default=None)
    worst = min(known, key=lambda part: part.weight * ((part.score or 0.0) - 1), default=None)
    named_role = label(role)
    zh_cn = f"建议定位：{named_role.zh_cn}。匹配度 {fit.score:.0%}"
    en = f"Suggested role: {named_role.en}. Fit {fit.score:.0%}"
    if best is not None and best.score:
        zh_cn += f"；最有利的是{TRAIT_NAMES[best.name].zh_cn}（{best.reason.zh_cn}）"
        en += f"; most speaks for it: {TRAIT_NAMES[best.name].en} ({best.reason.en})"
    if worst is not None and worst.score is not None and worst.score < 1:
        zh_cn += f"；最不利的是{TRAIT_NAMES[worst.name].zh_cn}（{worst.reason.zh_cn}）"
        en += f"; most speaks against it: {TRAIT_NAMES[worst.name].en} ({worst.reason.en})"
    if fit.unknown:
        zh_cn += f"；{fit.unknown:.0%} 的权重未知"
        en += f"; {fit.unknown:.0%} of the weight is unknown"
    return Fit(
        platform=fit.platform,
        score=fit.score,
        unknown=fit.unknown,
        confidence=fit.confidence,
        components=fit.components,
        role=role,
        reason=Label(zh_cn=f"{zh_cn}。", en=f"{en}."),
    )
