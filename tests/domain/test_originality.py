"""How like two texts are, where they are equal, and what is made of it."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drumtower.domain.errors import Severity
from drumtower.domain.originality import Likeness, Originality, check, diversity, passages, similarity
from drumtower.language.folding import fold_term
from drumtower.language.signatures import BANDS, bands_of

TEXT = fold_term(
    "秋天的第一泡茶要慢一点。先把水烧开，放一分钟，再沿着杯壁倒下去，叶子会一片一片地醒过来，"
    "香气也跟着出来。办公室里没有茶台也不要紧，一个杯子、三分钟，就能喝到一杯好茶。"
)
OTHER = fold_term(
    "周末去山里走了走，路边的柿子红了，老人坐在门口剥豆子，狗在太阳底下睡觉，我们喝了水就下山了。"
)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def edited(share: float) -> str:
    rng = random.Random(7)
    return "".join(rng.choice("天地玄黄宇宙洪荒") if rng.random() < share else one for one in TEXT)


def test_a_copy_is_found_however_it_was_edited() -> None:
    assert similarity(TEXT, TEXT) == 1
    assert similarity(edited(0.1), TEXT) > 0.5
    assert similarity(TEXT[40:] + TEXT[:40], TEXT) > 0.9
    assert similarity(TEXT, OTHER) < 0.05
    assert similarity("好茶上新", "好茶上新啦") == pytest.approx(0.75)
    assert similarity("", TEXT) == 0


def test_bands_meet_where_texts_are_alike_and_are_the_same_everywhere() -> None:
    own = set(bands_of(TEXT))
    assert len(own) == BANDS
    assert own & set(bands_of(edited(0.1)))
    assert not own & set(bands_of(OTHER))
    # Stored for years: a change of this number makes all that is stored useless.
    assert bands_of("秋天的第一泡茶")[:2] == [905434066, 405807628]
    assert bands_of("") == []


def test_passages_say_where() -> None:
    mixed = OTHER[:20] + TEXT[10:40] + OTHER[20:40] + TEXT[50:75]
    assert [mixed[one.start : one.end] for one in passages(mixed, TEXT)] == [TEXT[10:40], TEXT[50:75]]
    assert [TEXT[one.source_start : one.source_end] for one in passages(mixed, TEXT)] == [
        TEXT[10:40],
        TEXT[50:75],
    ]
    assert passages(OTHER, TEXT) == []
    # Nothing but repeats is no trap.
    assert len(passages("茶" * 20_000, "茶" * 20_000)) == 1


def test_diversity_of_variants() -> None:
    assert diversity([TEXT]) is None
    assert diversity([TEXT, TEXT]) == 0
    assert (diversity([TEXT, OTHER]) or 0) > 0.9


def test_what_the_policy_makes_of_it() -> None:
    def found(
        kind: str, used_at: datetime | None = None, *, blocks: bool = False
    ) -> list[tuple[str, Severity]]:
        like = Likeness(kind=kind, id=UUID(int=1), title="旧文", similarity=0.8, used_at=used_at)
        told = check(Originality(likenesses=(like,), blocks=blocks, rest=timedelta(days=30)), NOW)
        return [(one.code, one.severity) for one in told]

    assert found("reference") == [("text_alike", Severity.WARN)]
    assert found("reference", blocks=True) == [("text_alike", Severity.BLOCK)]
    assert found("post", NOW - timedelta(days=29)) == [("reused_too_soon", Severity.WARN)]
    assert found("post", NOW + timedelta(days=29)) == [("reused_too_soon", Severity.WARN)]
    assert found("post", NOW - timedelta(days=30)) == []
    assert found("post") == []
