"""Scores what a text wants from cue words, a few near-certain patterns, and the sentiment reading."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, get_args

from drumtower.language.lexicons import Lexicon, read_rows
from drumtower.language.moods import Mood
from drumtower.language.normal import NormalText
from drumtower.language.sentiment import Reading
from drumtower.language.verdicts import Intent, IntentLabel

_LABELS: Final[tuple[IntentLabel, ...]] = get_args(IntentLabel)
_SPAM_BAR: Final = 3.0
_BELOW_THE_BAR: Final = 0.5  # a hint of spam never outranks what a customer asks for
_ASKING: Final = 2.2
_FROM_SENTIMENT: Final = 0.7
_SENTIMENT_CAP: Final = 4.0
_AGAINST_THE_TONE: Final = 0.3
_CLEAR_TONE: Final = 0.5
_SOFTNESS: Final = 1.5
_SHOWN_FROM: Final = 0.35

_COUNT: Final = "[一二两三四五六七八九十几0-9]{1,3}"
_PATTERNS: Final[tuple[tuple[IntentLabel, float, re.Pattern[str]], ...]] = (
    ("spam", 3.2, re.compile(r"(?:微信|薇信|威信|vx|v信|wx|qq|扣扣|群号)[号:同 ]{0,4}[a-z0-9_-]{5,20}")),
    ("spam", 1.2, re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")),
    ("spam", 1.2, re.compile(r"https?://[^\s\u4e00-\u9fff]{4,}")),
    ("spam", 2.4, re.compile(r"日[入赚结]\d|月[入赚]过?[万\d]|\$\d{2,6} (?:a|per) (?:day|week|hour)")),
    ("suggestion", 3.0, re.compile(r"(?:能不能|可不可以|能否|可否|可以)(?:再|也|给)?(?:增加|加[个一上入]|出[个一款]|改[成进一]|"
                                   r"优化|支持|开[个一设通放]|做[个成大小]|考虑|提供|早一?点|晚一?点|多[出放给])")),
    ("suggestion", 2.2, re.compile(r"(?:放|加|改|出|换|开|调).{0,8}(?:行不行|好不好|可以不|可好)")),
    ("purchase", 3.2, re.compile(rf"(?:给我|帮我|先|再)?(?<![回出下上需只还都不])[来报留拿要]{_COUNT}"
                                  r"[箱件份个盒瓶套单杯斤只支双包](?!小时|月|工作日|星期|礼拜|说法|交代|解释|道歉|答复)")),
    ("purchase", 2.6, re.compile(r"想(?:给\w{1,6})?(?:也)?(?:再)?(?:买|入手|下单|要一?[个件套])")),
    ("purchase", 2.6, re.compile(r"(?:can|could|may) i (?:buy|order|purchase)|i(?:'ll| will| want to) (?:take|buy|order)")),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A piece of the text that points at one intent."""

    label: IntentLabel
    weight: float
    evidence: str


@cache
def _cue_lexicon() -> Lexicon[tuple[tuple[IntentLabel, float], ...]]:
    known = {str(label): label for label in _LABELS}
    words: dict[str, tuple[tuple[IntentLabel, float], ...]] = {}
    for kind, weight, word in read_rows("intents.tsv"):
        meaning = ((known[kind], weight),) if kind in known else ()
        words[word] = words.get(word, ()) + meaning
    return Lexicon(words)


def cues_of(normal: NormalText) -> tuple[Cue, ...]:
    """Every cue once, in the order of the text, then the patterns."""
    found = dict.fromkeys([*_listed_cues(normal), *_pattern_cues(normal)])
    return tuple(found)


def _listed_cues(normal: NormalText) -> Iterator[Cue]:
    for hit in _cue_lexicon().scan(normal.folded):
        evidence = normal.text[hit.start : hit.end]
        yield from (Cue(label=label, weight=weight, evidence=evidence) for label, weight in hit.value)


def _pattern_cues(normal: NormalText) -> Iterator[Cue]:
    for label, weight, pattern in _PATTERNS:
        match = pattern.search(normal.folded)
        if match is not None:
            yield Cue(label=label, weight=weight, evidence=normal.text[match.start() : match.end()])


def is_spam(cues: tuple[Cue, ...]) -> bool:
    return _cue_sum(cues, "spam") >= _SPAM_BAR


def score_intents(cues: tuple[Cue, ...], reading: Reading) -> tuple[Intent, ...]:
    """The intents worth showing, best first; equal scores keep the order of `IntentLabel`."""
    raw = {label: _cue_sum(cues, label) for label in _LABELS}
    if is_spam(cues):
        raw = {label: value if label == "spam" else 0.0 for label, value in raw.items()}
    else:
        raw["spam"] *= _BELOW_THE_BAR
        _add_tone(raw, reading)
    scored = [
        Intent(label=label, score=round(value / (value + _SOFTNESS), 3)) for label, value in raw.items()
    ]
    shown = [intent for intent in scored if intent.score >= _SHOWN_FROM]
    return tuple(sorted(shown, key=lambda intent: -intent.score))


def _add_tone(raw: dict[IntentLabel, float], reading: Reading) -> None:
    """Blame and praise in the words make complaint and praise, and weaken cues of the other one."""
    blame = min(_SENTIMENT_CAP, max(0.0, -reading.words))
    praise = min(_SENTIMENT_CAP, max(0.0, reading.words))
    raw["complaint"] = (
        raw["complaint"] * (_AGAINST_THE_TONE if praise > _CLEAR_TONE else 1) + _FROM_SENTIMENT * blame
    )
    raw["praise"] = (
        raw["praise"] * (_AGAINST_THE_TONE if blame > _CLEAR_TONE else 1) + _FROM_SENTIMENT * praise
    )
    if Mood.ASKS in reading.moods:
        raw["question"] += _ASKING


def _cue_sum(cues: tuple[Cue, ...], label: IntentLabel) -> float:
    return sum(cue.weight for cue in cues if cue.label == label)
