"""Handoffs: until when, reminded when, late since when, and texts in the platform's own counting."""

from datetime import UTC, datetime, timedelta

import pytest

from drumtower.domain.capabilities import Capabilities, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.handoffs import WITHIN, checklist, deadline, fields, late_since, next_look
from drumtower.domain.text import Unit

DUE = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("opened", "late_by", "within", "until"),
    [
        (DUE, None, None, DUE + WITHIN),
        (DUE, None, 4 * HOUR, DUE + 4 * HOUR),
        (DUE + 3 * HOUR, None, HOUR, DUE + 4 * HOUR),  # opened late: the person has the hour all the same
        (DUE, 30 * MINUTE, 4 * HOUR, DUE + 30 * MINUTE),  # later than that it is not wanted any more
        (DUE + HOUR, 30 * MINUTE, HOUR, DUE + 2 * HOUR),  # nobody can keep a deadline that has passed
    ],
)
def test_until_when(
    opened: datetime, late_by: timedelta | None, within: timedelta | None, until: datetime
) -> None:
    assert deadline(DUE, opened, late_by, within) == until


def test_reminders_come_ahead_of_the_deadline_and_end_with_it() -> None:
    now, seen = DUE - 2 * HOUR, []
    while (at := next_look(DUE, now)) is not None:
        seen.append(at)
        now = at
    assert seen == [DUE - HOUR, DUE - 15 * MINUTE, DUE]
    assert next_look(DUE, DUE - 20 * MINUTE) == DUE - 15 * MINUTE, "a reminder that has passed is not told"


def test_late_is_what_was_out_late_whenever_the_proof_came() -> None:
    assert late_since(DUE, None, DUE) is None
    assert late_since(DUE, None, DUE + MINUTE) == DUE
    assert late_since(DUE, DUE, DUE - MINUTE) is None, "the proof came late, the post did not"
    assert late_since(DUE + HOUR, DUE, DUE + MINUTE) == DUE, "a later deadline undoes nothing"
    assert late_since(None, None, DUE) is None


def test_texts_are_counted_as_the_platform_counts() -> None:
    both = TextRule(maximum=3, unit=Unit.UTF16, also=TextRule(maximum=9, unit=Unit.BYTE))
    capabilities = Capabilities(
        kinds=(Kind.IMAGE_TEXT,), title=TextRule(maximum=2, unit=Unit.CHARACTER), body=both
    )
    title, body = fields("秋茶", "茶🍵茶", capabilities)
    assert (title.name, title.fits, body.name, body.fits) == ("title", True, "body", False)
    assert [(count.length, count.unit) for count in body.counts] == [(4, Unit.UTF16), (10, Unit.BYTE)]
    untitled = Capabilities(kinds=(Kind.IMAGE_TEXT,), body=both)
    assert [one.name for one in fields("秋茶", "", untitled)] == ["body"]


def test_the_checklist_names_only_what_is_to_be_done() -> None:
    short = checklist(answers=True, media=0, disclosed=(), own=())
    long = checklist(answers=False, media=2, disclosed=(Disclosure.AD, Disclosure.AI_GENERATED), own=())
    assert (len(short), len(long)) == (3, 6)
    assert short[0] == long[0]
    assert short[-1] == long[-1]
    assert all(step.zh_cn and step.en for step in long)
