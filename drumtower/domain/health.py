"""When a service makes progress, and when it only seems to: rules over ages, in seconds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """A verdict; the worst of several counts."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"


# A replica of which no step has ended well for this long is dead or stuck; that is told within 30 s.
SILENT_SECONDS = 20.0
# How much longer than its interval a step may take: a step that looks at platforms takes up to 25 s.
STEP_SECONDS = 30.0
# What is due and has not been touched for this long tells that nobody sends.
LATE_SECONDS = 30.0
# Without the scheduler nothing is published; numbers may come later.
ESSENTIAL = frozenset({"scheduler"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """When a step of a replica last ended well, and how often it runs at least."""

    replica: str
    step: str
    age: float
    every: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a role: the age of its last good run in any replica that lives."""

    status: Status
    age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A role: the age of its last good step, and each of its steps."""

    status: Status
    age: float
    steps: Mapping[str, Step]


def worst(statuses: Collection[Status]) -> Status:
    """Return the worst; nothing at all passes."""
    return max(statuses, key=list(Status).index, default=Status.PASS)


def judge(role: str, beats: Collection[Beat]) -> Progress:
    """Judge a role by its replicas' beats. A step counts while one living replica runs it; the dead have no say."""
    stale = Status.FAIL if role in ESSENTIAL else Status.WARN
    newest = min((beat.age for beat in beats), default=float("inf"))
    alive = {beat.replica for beat in beats if beat.age < SILENT_SECONDS}
    best: dict[str, Beat] = {}
    for beat in beats:
        if beat.replica in alive and (beat.step not in best or beat.age < best[beat.step].age):
            best[beat.step] = beat
    steps = {
        name: Step(status=Status.PASS if beat.age < beat.every + STEP_SECONDS else stale, age=beat.age)
        for name, beat in sorted(best.items())
    }
    status = worst([step.status for step in steps.values()]) if alive else stale
    return Progress(status=status, age=newest, steps=steps)
