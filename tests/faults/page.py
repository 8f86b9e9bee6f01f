"""The reference page of what was measured: `python -m tests.faults.page [FILE]…` adds the files' runs, and writes it."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
KEPT = REFERENCE / "reliability.json"
PAGE = REFERENCE / "reliability.md"
Found = dict[str, Any]

HEAD = """\
# What was broken on purpose, and what came of it

Each row is one measured run of `tests/faults`: real scheduler processes, PostgreSQL and Valkey, and sandbox platforms
over HTTP. A checker compares our rows with each platform's own append-only log: lost, doubled, falsely called
published, denied, mixed up, not drained. A fault that did not fire, or a run that was not drained in time, counts as
red. Made by `python -m tests.faults.page` of `reliability.json`, which `python3 dev.py faults --json FILE` measures;
`load` is the machine's load average (2 cores) before and after. "Asked" are outcomes on the platform that lists
nothing: a person is asked, and nothing is sent again.

| Promise | Run | Size | Faults that fired | Figure | Verdict | Date (UTC), load | Command |
|---|---|---|---|---|---|---|---|
"""

TAIL = """
## Proven by tests of the suite

| Promise | Test |
|---|---|
| R7: one delivery has one key, whoever tries it and however often | `tests/adapters/test_bluesky_posts.py` |
| R18: a person's verdict settles what is unknown, and is audited | `tests/api/test_explain.py`, `tests/api/test_deliveries.py` |
| R19, small: invented lives keep their promises; a missing guard is found | `tests/faults/test_lifecycle.py`, `tests/domain/test_deliveries.py` |
| R20: the platform's own word settles what is unknown, with no look | `tests/feedback/test_ingest.py` |
| Q18: a restarted scheduler never revives an old claim | `tests/scheduler/test_send.py` |
| The first runs, small, with every run of the tests | `tests/faults/test_kills.py`, `test_points.py`, `test_sends.py`, `test_doors.py` |
| A certificate for another name; an answer without a length that ends early | `tests/platforms/test_lying_servers.py` |
| The checker finds each kind of lie | `tests/faults/test_checker.py` |

## Not proven yet

No run exists for: a key that expires on the platform (R8: no platform here has such a key), threads (R12: none exist), a rolling
upgrade between two releases (R21: there is one), full disks (Q12), exhausted file descriptors (Q13), a blocked event loop
(Q14: nothing measures its lag), migrations under load (Q19), a database restored from a backup (Q21: there is no mode that
looks before it sends), two hours of soak (Q22), two posts answered with the same id (hostile input 96), and a workspace
that is removed with rows due (100: workspaces can't be removed). Publishes leave a channel one by one, so R14 renews a
token under as many posts as channels and answers allow, not under fifty at one instant.
"""


def keep(path: Path, found: Iterable[Found]) -> None:
    """Add runs to a file, each in place of what it said of the same run before."""
    kept = {one["run"]: one for one in read(path)}
    kept |= {one["run"]: one for one in found}
    path.write_text(json.dumps(list(kept.values()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> list[Found]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def page(runs: Iterable[Found]) -> str:
    """Write the page; the order of rows is that of the runs."""
    return HEAD + "".join(_row(one) for one in runs) + TAIL


def _row(one: Found) -> str:
    verdict = "holds" if one["green"] else "; ".join(one["problems"])
    before, after = one["load"]
    cells = (
        one["promise"],
        one["name"],
        f"{one['posts']} deliveries, {one['seconds']} s",
        _listed(one["fired"]),
        _figure(one),
        verdict,
        f"{one['date']}, {before} to {after}",
        f"`{one['command']}`",
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


def _figure(one: Found) -> str:
    red = {kind: count for kind, count in one["red"].items() if count}
    said = [_listed(red) if red else "0 lost, 0 doubled, 0 false", _listed(one["states"])]
    if one["flagged"]:
        said.append(f"{one['flagged']} asked, {one['flagged_out']} of them out")
    if one["drained_after_seconds"]:
        said.append(f"drained in {one['drained_after_seconds']} s")
    if one["numbers"]:
        said.append(_listed(one["numbers"]))
    return "; ".join(part for part in said if part)


def _listed(found: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in found.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return _listed(value)
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)


def main(words: Sequence[str]) -> None:
    """Take in what was measured, and write the page."""
    for path in map(Path, words):
        keep(KEPT, ({**one, "told": {}} for one in read(path)))
    PAGE.write_text(page(read(KEPT)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
