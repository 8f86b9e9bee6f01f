"""What a run found out. A fault that did not fire, or a run that was not drained, counts as red."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    claims: dict[str, bool] = field(default_factory=dict)  # what else must hold

    @property
    def problems(self) -> list[str]:
        """Say what is wrong, in words; unknown is wrong."""
        found = [f"unknown: the fault {name!r} did not fire" for name, count in self.fired.items() if not count]
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
            **self.numbers,
        }
