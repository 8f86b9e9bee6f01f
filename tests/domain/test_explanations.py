"""Explanations: every state, every reason, in two languages, and nobody is left guessing who must act."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drumtower.domain import failures
from drumtower.domain.deliveries import FINAL, LEASED, LIVE, State
from drumtower.domain.explanations import Facts, Obstacle, Step, explain
from drumtower.domain.reasons import REASONS, Retryable, Who
from tests.error_codes import find

NOW = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def facts(state: State, **given: object) -> Facts:
    made = Facts(
        state=state,
        now=NOW,
        timezone="Asia/Shanghai",
        channel="鼓楼茶",
        due_at=NOW + timedelta(hours=1),
        next_at=NOW + timedelta(minutes=5) if state in LIVE else None,
        published_at=NOW if state is State.PUBLISHED else None,
    )
    return replace(made, **given)  # type: ignore[arg-type]  # the tests name real fields


@pytest.mark.parametrize("code", [None, *REASONS, "never_heard_of"])
@pytest.mark.parametrize("state", list(State))
def test_every_state_with_every_reason(state: State, code: str | None) -> None:
    error = Obstacle(code=code, detail="said so") if code else None
    told = explain(facts(state, error=error, attempts=2, needs_check=state is State.UNKNOWN))
    for sentence in (told.sentence.zh_cn, told.sentence.en):
        assert "{" not in sentence
        assert "?" not in sentence
        assert len(sentence) > 5
    assert CHINESE.search(told.sentence.zh_cn)
    assert not CHINESE.search(told.sentence.en.replace("鼓楼茶", ""))
    assert (told.who is Who.NOBODY) is (state in FINAL)
    assert told.do is None or told.who is Who.PERSON
    assert (told.next_step is not None) is (state in LIVE - LEASED)
    if state in (State.UNKNOWN, State.SENDING, State.ACCEPTED):
        assert told.retryable is Retryable.UNKNOWN, "it may be live: nobody is told to send it again"
    if state is State.PUBLISHED:
        assert told.retryable is Retryable.NO


def test_every_failure_of_a_platform_has_a_reason() -> None:
    assert set(failures.HINTS) <= set(REASONS)


@pytest.mark.long
def test_every_code_that_the_engine_writes_has_a_reason() -> None:
    """Whoever makes deliveries wait or end for a new reason says it in words, too."""
    engine = {one.code for one in find() if one.where.startswith("services/scheduler/")}
    others = ("services/scheduler/series.py", "services/scheduler/renditions.py")
    no_deliveries = {one.code for one in find() if one.where in others}
    assert engine - no_deliveries <= set(REASONS)
    assert len(engine) > 5


def test_planned_says_when_in_the_planners_zone() -> None:
    told = explain(facts(State.PLANNED))
    assert "2026-12-01 10:30:00 (Asia/Shanghai)" in told.sentence.en
    assert (told.who, told.next_step) == (Who.DRUMTOWER, Step.SEND)
    assert "was due" in explain(facts(State.PLANNED, due_at=NOW - timedelta(minutes=1))).sentence.en


def test_an_obstacle_is_named_with_its_end_and_its_owner() -> None:
    frozen = Obstacle(code="frozen", detail="国家公祭日", until=NOW + timedelta(days=1))
    told = explain(facts(State.PLANNED, obstacles=(frozen,)))
    assert "国家公祭日" in told.sentence.zh_cn
    assert "2026-12-02 09:30:00" in told.sentence.en
    assert told.who is Who.PERSON
    assert told.do is not None
    assert "Lift the freeze" in told.do.en


def test_what_is_so_now_comes_before_what_the_last_try_met() -> None:
    now = Obstacle(code="channel_disconnected", detail="gone")
    was = Obstacle(code="platform_unavailable", detail="HTTP 503")
    told = explain(facts(State.RETRYING, obstacles=(now,), error=was))
    assert [one.code for one in told.reasons] == ["channel_disconnected", "platform_unavailable"]
    assert told.who is Who.PERSON
    assert told.next_step is Step.SEND


def test_a_budget_is_waited_for_by_nobody_but_us() -> None:
    limited = Obstacle(code="rate_limited", detail="HTTP 429", until=NOW + timedelta(minutes=5))
    told = explain(facts(State.RETRYING, error=limited))
    assert (told.who, told.do, told.retryable) == (Who.DRUMTOWER, None, Retryable.YES)


def test_a_token_is_renewed_by_us_until_only_the_owner_can() -> None:
    expired = Obstacle(code="auth_expired", detail="42001")
    assert explain(facts(State.RETRYING, error=expired)).who is Who.DRUMTOWER
    told = explain(facts(State.FAILED, error=expired))
    assert told.who is Who.PERSON
    assert told.do is not None
    assert "Connect" in told.do.en


def test_a_refusal_shows_the_platforms_code_and_what_to_do() -> None:
    refused = Obstacle(code="content_rejected", detail="sensitive words")
    told = explain(facts(State.FAILED, error=refused, platform_code="20019"))
    assert "20019: sensitive words" in told.sentence.en
    assert told.retryable is Retryable.NO
    assert told.do is not None


def test_the_unknown_says_when_it_is_looked_up_and_when_a_person_must() -> None:
    told = explain(facts(State.UNKNOWN, error=Obstacle(code="outcome_unknown", detail="no answer")))
    assert (told.who, told.next_step, told.next_at) == (
        Who.DRUMTOWER,
        Step.LOOK_UP,
        NOW + timedelta(minutes=5),
    )
    asked = explain(
        facts(State.UNKNOWN, needs_check=True, error=Obstacle(code="needs_check", detail="no list"))
    )
    assert asked.who is Who.PERSON
    assert asked.do is not None
    assert "send_again" in asked.do.en


def test_lateness_is_told() -> None:
    assert "on time" in explain(facts(State.PUBLISHED, lateness_ms=400)).sentence.en
    assert "比计划晚 61 秒" in explain(facts(State.PUBLISHED, lateness_ms=61_200)).sentence.zh_cn
