"""How far apart two pictures are, which of them say anything, and what is made of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from drumtower.domain.errors import Severity
from drumtower.domain.pictures import Lookalike, Use, check, difference_hash, distance, is_telling

NOW = datetime(2026, 11, 24, tzinfo=UTC)
REST = timedelta(days=30)
OWN, OTHER = UUID(int=1), UUID(int=2)


def test_a_bit_for_each_place_that_is_brighter_than_its_neighbour() -> None:
    falling, rising = list(range(9, 0, -1)), list(range(1, 10))
    assert difference_hash(rising * 8) == 0
    assert difference_hash(falling * 8) == -1  # signed, as a bigint is
    assert difference_hash([*rising * 7, *falling]) == 0xFF
    assert difference_hash([*falling, *rising * 7]) == -(1 << 56)


def test_distance_counts_bits_whatever_the_sign() -> None:
    assert distance(0, -1) == distance(-1, 0) == 64
    assert distance(0b1011, 0b0010) == 2
    assert distance(-1, -2) == 1
    assert distance(-(1 << 63), 0) == 1


def test_what_is_flat_or_only_fades_tells_nothing() -> None:
    assert not is_telling(0)
    assert not is_telling(-1)
    assert is_telling(0b111111)
    assert not is_telling(0b11111)


def told(
    *moments: datetime | None, shown: tuple[UUID, ...] = (OTHER, OWN)
) -> list[tuple[str, str, Severity]]:
    uses = tuple(Use(post_id=UUID(int=9), title="旧文", used_at=moment) for moment in moments)
    like = Lookalike(of=OWN, asset_id=UUID(int=3), file_name="茶.jpg", distance=2, uses=uses)
    return [(one.pointer, one.code, one.severity) for one in check([like], shown, NOW, REST)]


def test_another_file_that_was_shown_too_soon_is_named_once() -> None:
    warned = [("/asset_ids/1", "image_alike", Severity.WARN)]
    assert told(NOW - timedelta(days=29)) == warned
    assert told(NOW - timedelta(days=90), NOW + timedelta(days=29), NOW) == warned
    assert told(NOW - REST) == told(None) == told() == []
    assert told(NOW, shown=(OTHER,)) == []  # the channel's variant shows others
