"""The shipped pack finds what it must, whatever the spelling, leaves alone what is harmless, and points at it."""

import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.errors import Severity
from drumtower.domain.rule_packs import Pack, Rule, from_json, to_json, violations_of
from drumtower.language.detectors import DETECTORS
from drumtower.language.folding import fold, fold_term
from drumtower.language.packs import shipped
from drumtower.language.terms import Terms

EXAMPLES = Path(__file__).parent / "packs" / "advertising.tsv"
SHIPPED = Terms([one.pack for one in shipped()])


def pack(*rules: Rule) -> Terms:
    return Terms([Pack(key="own", version=1, rules=rules)])


def rule(*terms: str, code: str = "r", severity: Severity = Severity.WARN, **given: Any) -> Rule:
    return Rule(code=code, severity=severity, terms=terms, **given)


def labelled() -> list[tuple[str, str]]:
    lines = EXAMPLES.read_text(encoding="utf-8").splitlines()[1:]
    return [(line.split("\t")[0], line.split("\t")[1]) for line in lines]


def test_every_example() -> None:
    wrong = {}
    for expected, text in labelled():
        found = {hit.rule.removeprefix("cn_advertising/") for hit in SHIPPED.hits(text)}
        if not (found == set() if expected == "-" else expected in found):
            wrong[text] = (expected, found)
    assert wrong == {}


def test_every_rule_has_an_example_a_basis_and_a_suggestion() -> None:
    rules = shipped()[0].pack.rules
    shown = {expected for expected, _ in labelled()}
    unseen = {"heroes", "discrimination", "minors", "tobacco", "alcohol", "absolute.strong"}
    assert {one.code for one in rules} - shown == unseen
    assert all(one.basis and one.suggestion for one in rules)
    assert violations_of(rules, fold_term, frozenset(DETECTORS)) == []
    assert from_json(to_json(rules)) == rules


# Each way to hide a word, and what the span must cover in the text as it was written.
@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("全国 ｎｏ．１ 好茶", "ｎｏ．１"),
        ("這是國\u200b家\ufe0f級的", "國\u200b家\ufe0f級"),
        ("👨‍👩‍👧‍👦 国 家 级", "国 家 级"),
        ("国̶家̶级̶", "国̶家̶级"),
        ("ⓝⓞ①", "ⓝⓞ①"),
        ("𝐓𝐎𝐏𝟏", "𝐓𝐎𝐏𝟏"),
    ],
)
def test_spans_point_into_the_text_as_written(text: str, quote: str) -> None:
    [hit] = SHIPPED.hits(text)
    assert text[hit.start : hit.end] == quote


def test_the_worse_of_two_rules_for_one_place_is_told() -> None:
    terms = pack(
        rule("最", code="a"), rule("最佳", code="b", severity=Severity.BLOCK), rule("最佳", code="c")
    )
    assert [hit.rule for hit in terms.hits("最佳")] == ["own/b"]
    # A milder rule about more words is another matter.
    wider = pack(rule("佳", code="a", severity=Severity.BLOCK), rule("最佳", code="b"))
    assert {hit.rule for hit in wider.hits("最佳")} == {"own/a", "own/b"}


def test_an_exception_excuses_its_own_rule_only() -> None:
    terms = pack(
        rule("第一", code="a", exceptions=("安全第一", "力争…", "…名额")),
        rule("第一", code="b", severity=Severity.INFO),
    )
    assert [hit.rule for hit in terms.hits("安全第一")] == ["own/b"]
    assert [hit.rule for hit in terms.hits("力争第一")] == ["own/b"]
    assert [hit.rule for hit in terms.hits("第一个名额")] == ["own/b"]
    # Another clause is another matter.
    assert "own/a" in [hit.rule for hit in terms.hits("力争上游，第一")]


def test_where_a_rule_holds() -> None:
    terms = pack(rule("加群", platforms=("weibo",)), rule("疗效", code="m", industries=("food",)))
    text = "加群看疗效"
    assert len(terms.hits(text)) == 2
    assert [hit.rule for hit in terms.hits(text, "weibo", "toys")] == ["own/r"]
    assert [hit.rule for hit in terms.hits(text, "bluesky", "food")] == ["own/m"]


def test_what_can_be_no_rule() -> None:
    rules = [rule("…", "@nothing", code="a"), rule("、、", code="a")]
    found = {one.pointer: one.code for one in violations_of(rules, fold_term, frozenset(DETECTORS))}
    assert found == {
        "/rules/0/terms/0": "term_empty",
        "/rules/0/terms/1": "unknown_detector",
        "/rules/1/code": "rule_code_doubled",
        "/rules/1/terms/0": "term_empty",
    }
    many = Rule(code="a", severity=Severity.INFO, terms=("茶",) * 20_001)
    assert [one.code for one in violations_of([many], fold_term, frozenset())] == ["too_many_terms"]


@given(st.text(max_size=200))
def test_any_text_is_folded_and_found_its_way_back(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.origins) == len(folded.clauses)
    assert folded.origins == sorted(folded.origins)
    assert fold(unicodedata.normalize("NFKC", text)).text == folded.text or "\u0345" in text
    for hit in SHIPPED.hits(text):
        assert 0 <= hit.start < hit.end <= len(text)


@pytest.mark.parametrize("unit", ["最好", "追求最好", "追求", "国家级", "a", "最 ", "１", "\u0301", "第一次"])
def test_the_time_is_linear(unit: str) -> None:
    def cost(size: int) -> float:
        text = (unit * size)[:size]
        return min(_seconds(text) for _ in range(2))

    SHIPPED.hits(unit)
    assert cost(8_000) < 12 * cost(2_000) + 0.01


def _seconds(text: str) -> float:
    start = time.perf_counter()
    SHIPPED.hits(text)
    return time.perf_counter() - start
