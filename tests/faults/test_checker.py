"""The checker must be able to fail: each kind of lie is planted once, and found."""

from uuid import UUID

import pytest

from drumtower.db.models import Attempt, Delivery
from drumtower.domain.deliveries import State
from tests.faults.checker import RemotePost, Verdict, compare

ONE, OTHER = UUID(int=1), UUID(int=2)


def row(
    state: State, delivery_id: UUID = ONE, external_id: str | None = "1", *, asks: bool = False
) -> Delivery:
    return Delivery(id=delivery_id, state=state.value, external_id=external_id, needs_check=asks)


def remote(post_id: str = "1", mark: UUID | None = ONE) -> RemotePost:
    return RemotePost(platform="weibo", id=post_id, mark=mark)


def judge(rows: list[Delivery], posts: list[RemotePost], *attempts: Attempt) -> Verdict:
    return compare([ONE], rows, attempts, posts)


def test_the_truth_is_green() -> None:
    verdict = judge([row(State.PUBLISHED)], [remote()])
    assert verdict.red == {}
    assert verdict.states == {"published": 1}


@pytest.mark.parametrize(
    ("rows", "posts", "kind"),
    [
        ([row(State.FAILED)], [], "lost"),
        ([], [], "vanished"),
        ([row(State.PUBLISHED)], [remote(), remote("2")], "doubles"),
        ([row(State.PUBLISHED)], [], "false"),
        ([row(State.FAILED)], [remote()], "denied"),
        ([row(State.CANCELLED)], [remote()], "denied"),
        ([row(State.PUBLISHED), row(State.PUBLISHED, OTHER, "1")], [remote(), remote("2", OTHER)], "mixed"),
        ([row(State.PUBLISHED)], [remote(), remote("2", mark=None)], "strays"),
        ([row(State.UNKNOWN)], [remote()], "undrained"),
        ([row(State.RETRYING)], [], "undrained"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_lie_is_found(rows: list[Delivery], posts: list[RemotePost], kind: str) -> None:
    assert judge(rows, posts).red == {kind: 1}


def test_an_attempt_without_an_end_is_found() -> None:
    begun = Attempt(delivery_id=ONE, step="send", outcome=None)
    assert judge([row(State.PUBLISHED)], [remote()], begun).red == {"untold": 1}


def test_asking_a_person_is_truthful() -> None:
    verdict = judge([row(State.UNKNOWN, asks=True)], [remote()])
    assert verdict.red == {}
    assert verdict.flagged == verdict.flagged_out == (ONE,)


def test_what_may_end_so_is_not_lost() -> None:
    assert compare([ONE], [row(State.MISSED)], [], [], may_end=[State.MISSED]).red == {}
