"""What a run found out. A fault that did not fire, or a run that was not drained, counts as red."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drumtower.db.models import Attempt, Delivery
from tests.faults.checker import Verdict


@dataclass(slots=True, kw_only=True)
class Report:
    """One run. `problems` is empty where it is green; `expects` names what a mutation must make red."""

    name: str
    posts: int
    fired: Mapping[str, int]
    verdict: Verdict
    drained_after: float | None
    expects: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)  # what helps whoever looks for the reason
    claims: dict[str, bool] = field(default_factory=dict)  # what else must hold

    @property
    def problems(self) -> list[str]:
        """Say what is wrong, in words; unknown is wrong."""
        found = [
            f"unknown: the fault {name!r} did not fire" for name, count in self.fired.items() if not count
        ]
        found += [f"not so: {claim}" for claim, holds in self.claims.items() if not holds]
        if self.expects:
            if not self.verdict.red.get(self.expects):
                found.append(f"the guard is off, and the checker found no {self.expects}")
            return found
        if self.drained_after is None:
            found.append("unknown: not drained in time")
        return found + [f"{count} {kind}" for kind, count in self.verdict.red.items()]

    def to_json(self) -> dict[str, Any]:
        drained = None if self.drained_after is None else round(self.drained_after, 1)
        return {
            "name": self.name,
            "green": not self.problems,
            "problems": self.problems,
            "posts": self.posts,
            "fired": dict(self.fired),
            "drained_after_seconds": drained,
            **self.verdict.summary(),
            "numbers": self.numbers,
            "told": self.told,
        }


def history(delivery: Delivery, attempts: Iterable[Attempt]) -> str:
    """Tell a delivery's life in one line: seconds from its due time, what was tried, what came of it."""
    own = sorted((a for a in attempts if a.delivery_id == delivery.id), key=lambda a: a.started_at)
    told = [
        f"{(a.started_at - delivery.due_at).total_seconds():.1f} {a.step}={a.outcome or 'open'}"
        + (f" ({a.detail[:60]})" if a.detail and a.outcome not in ("published", "found") else "")
        for a in own
    ]
    return f"{delivery.platform}: {'; '.join(told)}; {delivery.state}"


def slowest(rows: Sequence[Delivery], attempts: Sequence[Attempt], count: int = 3) -> list[str]:
    """Tell the lives of the deliveries that were busy longest."""
    ended = {a.delivery_id: a.ended_at for a in sorted(attempts, key=lambda a: a.started_at) if a.ended_at}
    late = [row for row in rows if row.id in ended]
    late.sort(key=lambda row: ended[row.id] - row.due_at, reverse=True)
    return [history(row, attempts) for row in late[:count]]
