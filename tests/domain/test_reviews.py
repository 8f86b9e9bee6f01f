"""The four-point review: all four, on the same content, for as long as it lasts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.ids import new_id
from drumtower.domain.reviews import (
    VALID_WITHOUT_A_DAY,
    Approval,
    Assignment,
    Criterion,
    Judgement,
    Reminder,
    ReviewState,
    Verdict,
    approval_expires,
    approval_violations,
    latest,
    next_look,
    reminder,
    state,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
REVIEWER = UUID(int=1)


def judged(criterion: Criterion, verdict: Verdict = Verdict.PASS, of: str = "a") -> Judgement:
    return Judgement(criterion=criterion, verdict=verdict, content_hash=of, reviewer_id=REVIEWER)


ALL = [judged(criterion) for criterion in Criterion]


def test_four_passes_approve_and_three_do_not() -> None:
    assert state(ALL, "a") is ReviewState.APPROVED
    for missing in range(4):
        assert state(ALL[:missing] + ALL[missing + 1 :], "a") is ReviewState.IN_REVIEW


def test_one_failure_sends_it_back_until_that_point_passes() -> None:
    failed = [*ALL, judged(Criterion.COMPLIANCE, Verdict.FAIL)]
    assert state(failed, "a") is ReviewState.CHANGES_REQUESTED
    assert state([*failed, judged(Criterion.COMPLIANCE)], "a") is ReviewState.APPROVED


def test_verdicts_on_other_content_are_void() -> None:
    assert state(ALL, "b") is ReviewState.IN_REVIEW
    assert latest(ALL, "b") == {}


@given(
    st.lists(st.builds(judged, st.sampled_from(Criterion), st.sampled_from(Verdict), st.sampled_from("ab")))
)
def test_approved_means_that_every_last_word_is_a_pass(history: list[Judgement]) -> None:
    last = {j.criterion: j.verdict for j in history if j.content_hash == "a"}
    approved = len(last) == 4 and set(last.values()) == {Verdict.PASS}
    assert (state(history, "a") is ReviewState.APPROVED) is approved


def test_an_approval_ends_with_the_planned_day_where_the_workspace_lives() -> None:
    ends = approval_expires(date(2026, 11, 30), SHANGHAI, NOW)
    assert ends == datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert approval_expires(None, SHANGHAI, NOW) == NOW + VALID_WITHOUT_A_DAY


@pytest.mark.parametrize(
    ("approved", "at", "code"),
    [
        (None, NOW, "not_approved"),
        ("other", NOW, "approval_outdated"),
        ("a", NOW + timedelta(days=2), "approval_expired"),
    ],
)
def test_why_it_may_not_go(approved: str | None, at: datetime, code: str) -> None:
    approval = Approval(content_hash=approved, expires_at=NOW + timedelta(days=1))
    [violation] = approval_violations(approval, "a", at)
    assert violation.code == code
    assert violation.hint


def test_what_is_approved_may_go_to_the_last_instant() -> None:
    ends = NOW + timedelta(days=1)
    assert approval_violations(Approval(content_hash="a", expires_at=ends), "a", ends) == []
    assert approval_violations(Approval(content_hash="a", expires_at=None), "a", NOW) == []


class TestRequired:
    """A post that has to pass certain people."""

    must = Assignment(reviewer_id=new_id(), criteria=frozenset({Criterion.COMPLIANCE}), required=True)

    def said(self, who: UUID, verdict: Verdict, *points: Criterion) -> list[Judgement]:
        return [
            Judgement(criterion=one, verdict=verdict, content_hash="h", reviewer_id=who)
            for one in points or Criterion
        ]

    def test_nobody_stands_in_for_them(self) -> None:
        anybody = self.said(new_id(), Verdict.PASS)
        assert state(anybody, "h") is ReviewState.APPROVED
        assert state(anybody, "h", [self.must]) is ReviewState.IN_REVIEW
        theirs = self.said(self.must.reviewer_id, Verdict.PASS, Criterion.COMPLIANCE)
        assert state([*anybody, *theirs], "h", [self.must]) is ReviewState.APPROVED
        assert state(anybody, "h", [replace(self.must, required=False)]) is ReviewState.APPROVED

    def test_nobody_passes_over_their_failure(self) -> None:
        failed = self.said(self.must.reviewer_id, Verdict.FAIL, Criterion.COMPLIANCE)
        over = [*failed, *self.said(new_id(), Verdict.PASS)]
        assert state(over, "h") is ReviewState.APPROVED
        assert state(over, "h", [self.must]) is ReviewState.CHANGES_REQUESTED


def test_a_deadline_is_told_ahead_at_and_after() -> None:
    due, told = datetime(2026, 3, 10, 12, tzinfo=UTC), []
    at = next_look(due, due - timedelta(days=1))
    while at is not None:
        told.append((at - due, reminder(due, at)))
        at = next_look(due, at)
    assert told == [
        (timedelta(hours=-4), Reminder.REMINDED),
        (timedelta(hours=-1), Reminder.REMINDED),
        (timedelta(), Reminder.LATE),
        (timedelta(days=1), Reminder.ESCALATED),
    ]
