"""Weighs a Chinese clause: listed words, turned by negation and scaled by degree adverbs before and after."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import prod
from typing import Final

from drumtower.language.lexicons import Entry, Hit, Lexicon, lexicon
from drumtower.language.verdicts import Finding

_REACH: Final = 5  # characters between a modifier and its word: 没有 | 以前 | 好吃
_COMPLEMENT_REACH: Final = 2
_MAX_DEGREE: Final = 2.0
_COMPLEMENT_PARTICLE: Final = "得"
_BARE_COMPLEMENT: Final = -0.8  # 热得要死: an unlisted adjective taken to the extreme is mostly a complaint
_TURNED: Final = {"positive": -0.9, "weakly positive": -0.6, "negative": -0.6}
_BEFORE_ADJECTIVE: Final = "好"  # 好难吃: right before another word it means "very"
_BEFORE_ADJECTIVE_DEGREE: Final = 1.4
_FLAW_REACH: Final = 1
_MODIFIERS: Final = ("negation", "degree", "excess")

_SPAN: Final = (
    "[0-9一二两三四五六七八九十几半多]个?(?:多个?)?(?:小时|分钟|钟头|天|星期|礼拜|周|月|次|遍|趟|声|回)了?"
)
# Counted waiting has no word of blame in it: 三天没发货, 四十分钟外卖才到; and counted speed none of praise.
_COUNTED: Final = (
    (-1.8, re.compile(rf"{_SPAN}.{{0,4}}?(?:才|还没|都没|还不|都不|也没|还未|没有?[发到收回处更])")),
    (-1.5, re.compile(rf"(?:排|等|堵|拖|催|晾|耗)队?了?(?:快|近|整整|足足|将近)?{_SPAN}")),
    (1.5, re.compile(r"(?:小时|分钟|天)(?:不到|之?内)?(?:都没有?)?就[送到拿收]")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    start: int
    end: int
    weight: float
    accuses: bool = False


def chinese_lexicon() -> Lexicon[Entry]:
    return lexicon("lexicon_zh.tsv", "modifiers_zh.tsv")


def weigh_chinese(segment: str, hits: Sequence[Hit[Entry]], shown: str) -> list[Finding]:
    """The findings in one clause; `hits` come from `chinese_lexicon`, `shown` is the clause as written.

    Praise in the clause turns its rhetorical question into praise too: 怎么这么好看.
    """
    weighed = [*_weigh_hits(segment, _with_degree_hao(segment, hits)), *_counted(segment)]
    if any(item.weight > 0 for item in weighed):
        weighed = [item for item in weighed if not item.accuses]
    return [
        Finding(evidence=shown[item.start : item.end], weight=item.weight) for item in weighed if item.weight
    ]


def _weigh_hits(segment: str, hits: Iterable[Hit[Entry]]) -> list[_Weighed]:
    weighed: list[_Weighed] = []
    pending: list[Hit[Entry]] = []
    for hit in hits:
        kind = hit.value.kind
        if kind in _MODIFIERS:
            pending.append(hit)
        elif kind == "after":
            _complement(weighed, hit, is_bare_blame=segment[hit.start] == _COMPLEMENT_PARTICLE)
        elif kind in ("word", "rhetoric") or (kind == "flaw" and _is_excess(pending, hit)):
            weighed.append(_modified(hit, _in_reach(pending, hit)))
            pending = []
    return weighed


def _is_excess(pending: Sequence[Hit[Entry]], flaw: Hit[Entry]) -> bool:
    """True in 太咸 and 有点小, not in 不太咸 or in a bare 咸."""
    reached = _in_reach(pending, flaw)
    return (
        bool(reached)
        and reached[-1].value.kind == "excess"
        and flaw.start - reached[-1].end <= _FLAW_REACH
        and all(hit.value.kind != "negation" for hit in reached)
    )


def _counted(segment: str) -> Iterator[_Weighed]:
    for weight, pattern in _COUNTED:
        match = pattern.search(segment)
        if match is not None:
            yield _Weighed(start=match.start(), end=match.end(), weight=weight)


def _with_degree_hao(segment: str, hits: Sequence[Hit[Entry]]) -> Iterator[Hit[Entry]]:
    for hit, following in zip_longest(hits, hits[1:]):
        is_degree = (
            following is not None
            and segment[hit.start : hit.end] == _BEFORE_ADJECTIVE
            and following.start == hit.end
            and following.value.kind == "word"
        )
        yield _as_degree(hit) if is_degree else hit


def _as_degree(hit: Hit[Entry]) -> Hit[Entry]:
    return Hit(start=hit.start, end=hit.end, value=Entry(kind="degree", weight=_BEFORE_ADJECTIVE_DEGREE))


def _in_reach(pending: Sequence[Hit[Entry]], word: Hit[Entry]) -> list[Hit[Entry]]:
    """The unbroken run of modifiers that ends near the word, in the order of the text."""
    reached: list[Hit[Entry]] = []
    edge = word.start
    for hit in reversed(pending):
        if edge - hit.end > _REACH:
            break
        reached.insert(0, hit)
        edge = hit.start
    return reached


def _modified(word: Hit[Entry], modifiers: Sequence[Hit[Entry]]) -> _Weighed:
    degrees = [hit.value.weight for hit in modifiers if hit.value.kind != "negation"]
    weight = word.value.weight * min(prod(degrees), _MAX_DEGREE)
    if sum(hit.value.kind == "negation" for hit in modifiers) % 2:
        weight *= _turn(weight, modifiers)
    start = modifiers[0].start if modifiers else word.start
    return _Weighed(start=start, end=word.end, weight=weight, accuses=word.value.kind == "rhetoric")


def _turn(weight: float, modifiers: Sequence[Hit[Entry]]) -> float:
    """不好 is bad, 不太好 a little bad, 不贵 a little good."""
    if weight < 0:
        return _TURNED["negative"]
    first_is_negation = modifiers[0].value.kind == "negation"
    return _TURNED["weakly positive" if first_is_negation and len(modifiers) > 1 else "positive"]


def _complement(weighed: list[_Weighed], hit: Hit[Entry], *, is_bare_blame: bool) -> None:
    """Scales the word just before 死了, 到爆 ...; without one 得要命 itself is weak blame."""
    last = weighed[-1] if weighed else None
    if last is not None and hit.start - last.end <= _COMPLEMENT_REACH:
        weighed[-1] = _Weighed(start=last.start, end=hit.end, weight=last.weight * hit.value.weight)
    elif last is None and is_bare_blame:
        weighed.append(_Weighed(start=hit.start, end=hit.end, weight=_BARE_COMPLEMENT))
