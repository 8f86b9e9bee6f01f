"""What members think of an idea, gathered."""

from drumtower.domain.ideas import NEXT, Aspect, IdeaStatus, standing


def points(*given: int) -> dict[str, int]:
    return dict(zip((aspect.value for aspect in Aspect), given, strict=True))


def test_nobody_has_said_anything() -> None:
    found = standing([])
    assert (found.total, found.voices) == (None, 0)
    assert set(found.means.values()) == {None}


def test_all_ones_are_nothing_and_all_fives_are_everything() -> None:
    assert standing([points(1, 1, 1, 1)]).total == 0
    assert standing([points(5, 5, 5, 5)]).total == 100


def test_means_by_aspect() -> None:
    found = standing([points(5, 4, 3, 2), points(4, 4, 4, 4)])
    assert list(found.means.values()) == [4.5, 4.0, 3.5, 3.0]
    assert (found.total, found.voices) == (69, 2)  # (3.75 - 1) / 4


def test_every_status_can_be_left() -> None:
    assert set(NEXT) == set(IdeaStatus)
    assert all(NEXT.values())
