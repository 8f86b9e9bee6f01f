"""Progress: a role lives by its steps, the dead have no say, and one stuck step is seen among busy ones."""

import pytest

from drumtower.domain.health import SILENT_SECONDS, STEP_SECONDS, Beat, Status, judge, worst


def beat(step: str, age: float, *, replica: str = "one", every: float = 1.0) -> Beat:
    return Beat(replica=replica, step=step, age=age, every=every)


@pytest.mark.parametrize(("role", "stale"), [("scheduler", Status.FAIL), ("metrics", Status.WARN)])
def test_a_silent_role(role: str, stale: Status) -> None:
    assert judge(role, []).status is stale
    assert judge(role, [beat("a", SILENT_SECONDS - 0.1)]).status is Status.PASS
    silent = judge(role, [beat("a", SILENT_SECONDS), beat("b", 300)])
    assert (silent.status, silent.age) == (stale, SILENT_SECONDS)


def test_it_is_told_within_half_a_minute() -> None:
    assert SILENT_SECONDS + 1 < 30


def test_one_stuck_step_among_busy_ones() -> None:
    found = judge("scheduler", [beat("relay", 0.5), beat("dispatch", STEP_SECONDS + 2)])
    assert found.status is Status.FAIL
    assert {name: step.status for name, step in found.steps.items()} == {
        "dispatch": Status.FAIL,
        "relay": Status.PASS,
    }


def test_a_step_that_runs_once_an_hour_is_not_stuck() -> None:
    beats = [beat("pull", 0.5), beat("retention", 3_000, every=3_600)]
    assert judge("metrics", beats).status is Status.PASS
    assert judge("metrics", [*beats, beat("sweep", 3_700, every=3_600)]).status is Status.WARN


def test_the_dead_have_no_say_and_one_replica_that_lives_is_enough() -> None:
    dead = [beat("dispatch", 500, replica="dead"), beat("removed_since", 500, replica="dead")]
    found = judge("scheduler", [*dead, beat("dispatch", 0.4, replica="living")])
    assert found.status is Status.PASS
    assert set(found.steps) == {"dispatch"}
    stuck = beat("dispatch", 100, replica="stuck")
    busy = beat("relay", 1, replica="stuck")
    assert judge("scheduler", [stuck, busy, beat("dispatch", 1, replica="other")]).status is Status.PASS


def test_the_worst_counts() -> None:
    assert worst([]) is Status.PASS
    assert worst([Status.PASS, Status.FAIL, Status.WARN]) is Status.FAIL
