"""Compares what we say with what the platforms did: lost, double, false, denied, mixed up, undrained.

After Jepsen's total-queue and set checkers (jepsen-io/jepsen: jepsen/src/jepsen/checker.clj): what was acknowledged is
compared with the platform's own append-only log, and a run that was not drained is no pass.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from drumtower.db.models import Attempt, Delivery
from drumtower.domain.deliveries import State

# States in which it is said that it is, or may be, on the platform.
MAYBE_OUT = frozenset({State.PUBLISHED, State.ACCEPTED, State.UNKNOWN, State.SENDING})
# States that a drained run may end in; `unknown` only where a person was asked.
RESTING = frozenset({State.PUBLISHED, State.FAILED, State.HELD, State.MISSED, State.HANDOFF, State.CANCELLED})
STEPS_ENDED = frozenset({"send", "confirm", "reconcile"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotePost:
    """One post that a platform made; `mark` is what our delivery wrote into it."""

    platform: str
    id: str
    mark: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the comparison found. The lists hold delivery ids (`strays`: remote ids)."""

    states: Mapping[str, int]
    lost: tuple[UUID, ...] = ()  # acknowledged, not out, and in a state nobody asked for
    vanished: tuple[UUID, ...] = ()  # acknowledged, and no row
    doubles: tuple[UUID, ...] = ()  # out more than once
    false: tuple[UUID, ...] = ()  # said to be published, and not out
    denied: tuple[UUID, ...] = ()  # out, and we say that it is not
    mixed: tuple[UUID, ...] = ()  # published under another post's id
    strays: tuple[str, ...] = ()  # out, and nobody's
    undrained: tuple[UUID, ...] = ()  # still owed a step
    untold: tuple[UUID, ...] = ()  # settled, and an attempt of it has no outcome
    flagged: tuple[UUID, ...] = ()  # unknown, and a person is asked: truthful, so not red
    flagged_out: tuple[UUID, ...] = ()  # of these, really out

    @property
    def red(self) -> dict[str, int]:
        """What is wrong, by kind."""
        kinds = ("lost", "vanished", "doubles", "false", "denied", "mixed", "strays", "undrained", "untold")
        return {kind: len(getattr(self, kind)) for kind in kinds if getattr(self, kind)}

    def summary(self) -> dict[str, Any]:
        """Counts, for a report."""
        counted = {"flagged": len(self.flagged), "flagged_out": len(self.flagged_out)}
        return {"states": dict(self.states), **counted, "red": self.red}


def compare(
    acknowledged: Collection[UUID],
    rows: Sequence[Delivery],
    attempts: Iterable[Attempt],
    remote: Sequence[RemotePost],
    *,
    may_end: Collection[State] = (State.PUBLISHED,),
) -> Verdict:
    """Compare. `may_end` are the states in which the run may leave what is not out."""
    by_id = {row.id: row for row in rows}
    out: dict[UUID, list[str]] = {}
    for post in remote:
        if post.mark is not None:
            out.setdefault(post.mark, []).append(post.id)
    flagged = tuple(row.id for row in rows if _is_flagged(row))
    open_attempts = {a.delivery_id for a in attempts if a.outcome is None and a.step in STEPS_ENDED}
    return Verdict(
        states=Counter(row.state for row in rows),
        lost=tuple(r.id for r in rows if r.id not in out and _is_lost(State(r.state), may_end)),
        vanished=tuple(sorted(set(acknowledged) - set(by_id))),
        doubles=tuple(mark for mark, ids in out.items() if len(ids) > 1),
        false=tuple(r.id for r in rows if r.state == State.PUBLISHED and r.id not in out),
        denied=tuple(r.id for r in rows if r.id in out and State(r.state) not in MAYBE_OUT),
        mixed=tuple(r.id for r in rows if r.state == State.PUBLISHED and _is_mixed(r, out)),
        strays=tuple(p.id for p in remote if p.mark is None or p.mark not in by_id),
        undrained=tuple(r.id for r in rows if State(r.state) not in RESTING and not _is_flagged(r)),
        untold=tuple(r.id for r in rows if State(r.state) in RESTING and r.id in open_attempts),
        flagged=flagged,
        flagged_out=tuple(one for one in flagged if one in out),
    )


def _is_flagged(row: Delivery) -> bool:
    return row.state == State.UNKNOWN and row.needs_check


def _is_lost(state: State, may_end: Collection[State]) -> bool:
    # What still waits is undrained, not lost; "published" without a post is false, not lost.
    return state in RESTING and state is not State.PUBLISHED and state not in may_end


def _is_mixed(row: Delivery, out: Mapping[UUID, list[str]]) -> bool:
    return row.id in out and row.external_id not in out[row.id]
