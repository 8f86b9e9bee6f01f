"""Platform advice: deterministic, monotone, and silent about what nobody knows."""

from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumtower.domain import audiences
from drumtower.domain.audience_labels import TRAIT_NAMES, label
from drumtower.domain.audiences import (
    TRAITS,
    Age,
    Character,
    Confidence,
    Goal,
    Interest,
    Market,
    MatrixRole,
    Region,
    Tongue,
    Trait,
)
from drumtower.domain.content import Kind
from drumtower.domain.platform_fit import WEIGHTS, Candidate, Fit, Target, rank
from drumtower.platforms import registry

DECLARED = [
    Candidate(platform=slug, character=one.capabilities.character, kinds=one.capabilities.kinds)
    for slug, one in registry.load().adapters.items()
]
WORDS: dict[str, type[StrEnum]] = {**TRAITS, "content_kinds": Kind}
targets = st.fixed_dictionaries(
    {name: st.frozensets(st.sampled_from(sorted(words))) for name, words in WORDS.items()}
).filter(lambda wanted: any(wanted.values()))


def only(name: str, trait: Trait) -> Character:
    traits: dict[str, Any] = {name: trait}
    return Character(**traits)


def by_platform(wanted: dict[str, frozenset[StrEnum]]) -> dict[str, Fit]:
    return {fit.platform: fit for fit in rank(DECLARED, Target(wanted=wanted))}


@settings(max_examples=40)
@given(targets, st.randoms(use_true_random=False))
def test_the_order_of_platforms_does_not_matter(
    wanted: dict[str, frozenset[StrEnum]], random: object
) -> None:
    shuffled = sorted(DECLARED, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis' own Random
    fits = rank(DECLARED, Target(wanted=wanted))
    assert rank(shuffled, Target(wanted=wanted)) == fits
    assert [fit.score for fit in fits] == sorted((fit.score for fit in fits), reverse=True)
    for fit in fits:
        assert 0 <= fit.score <= 1 - fit.unknown + 1e-3
        assert sum(part.weight for part in fit.components) == pytest.approx(1)


@settings(max_examples=40)
@given(targets, st.sampled_from(sorted(Interest)))
def test_another_interest_never_lowers_a_platform(
    wanted: dict[str, frozenset[StrEnum]], another: Interest
) -> None:
    asked = {**wanted, "interests": wanted["interests"] | {Interest.FOOD}}
    before, after = by_platform(asked), by_platform({**asked, "interests": asked["interests"] | {another}})
    assert all(after[name].score >= before[name].score for name in before)


@settings(max_examples=40)
@given(targets, st.sampled_from(sorted(TRAITS)), st.data())
def test_a_stronger_audience_never_lowers_a_platform(
    wanted: dict[str, frozenset[StrEnum]], name: str, data: st.DataObject
) -> None:
    value = data.draw(st.sampled_from(sorted(TRAITS[name])))
    weaker, stronger = (
        Candidate(platform="one", character=only(name, trait), kinds=())
        for trait in (Trait(weak=value), Trait(strong=value))
    )
    target = Target(wanted=wanted)
    assert rank([stronger], target)[0].score >= rank([weaker], target)[0].score


def test_what_is_unknown_counts_for_nothing_and_is_told() -> None:
    silent = Candidate(platform="new", character=audiences.UNKNOWN, kinds=(Kind.VIDEO,))
    wanted = {"interests": frozenset({Interest.FOOD}), "content_kinds": frozenset({Kind.VIDEO})}
    (fit,) = rank([silent], Target(wanted=wanted))
    interests, kinds = fit.components
    assert (interests.score, kinds.score) == (None, 1)
    assert fit.score == pytest.approx(15 / 35, abs=1e-4)
    assert fit.unknown == pytest.approx(20 / 35, abs=1e-4)
    assert (fit.confidence, fit.role) == (Confidence.LOW, MatrixRole.WATCH)
    assert "unknown" in fit.reason.en
    assert "未知" in fit.reason.zh_cn


def test_one_or_two_cores_and_a_role_for_each_other_one() -> None:
    fits = by_platform(
        {
            "languages": frozenset({Tongue.EN}),
            "regions": frozenset({Region.EUROPE}),
            "markets": frozenset({Market.B2B}),
            "goals": frozenset({Goal.RECRUITING}),
        }
    )
    assert next(iter(fits)) == "linkedin"
    assert fits["linkedin"].role is MatrixRole.CORE
    assert fits["douyin"].role is MatrixRole.WATCH
    young = by_platform({"ages": frozenset({Age.A18_24}), "goals": frozenset({Goal.AWARENESS})})
    cores = [name for name, fit in young.items() if fit.role is MatrixRole.CORE]
    assert 1 <= len(cores) <= 2


def test_roles_follow_the_goals() -> None:
    served = by_platform({"languages": frozenset({Tongue.ZH}), "goals": frozenset({Goal.SERVICE})})
    assert served["wecom"].role is MatrixRole.SERVICE, "a group alone is no place to start"
    assert served["weibo"].role is MatrixRole.SERVICE


def test_every_word_has_a_name_and_every_declaration_holds() -> None:
    every: list[type[StrEnum]] = [*WORDS.values(), MatrixRole]
    assert all(label(value).zh_cn and label(value).en for words in every for value in words)
    assert set(TRAIT_NAMES) == set(WEIGHTS)
    assert label(Goal.SERVICE) != label(MatrixRole.SERVICE)
    assert all(not list(audiences.problems(one.character)) for one in DECLARED)
    wrong = Character(ages=Trait(strong="18-24 old", weak="18-24", source=" "))
    assert len(list(audiences.problems(wrong))) == 3
