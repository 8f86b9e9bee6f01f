"""What is due or all but due, and whose turn it is: workspaces in turns, oldest first inside one, a channel's publishes in
their order."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.plain import fetch
from drumtower.domain.deliveries import Action

# As long as no more than this is due at once, the order of time is fair enough and costs one short index scan.
WINDOW = 200

# What is due within this is claimed with what is due now, and leaves from memory at its instant: one claim for many.
# A crash in between leaves so much more to be looked up, and a cancellation this late comes too late.
AHEAD = timedelta(milliseconds=100)
IS_DUE = f"next_at <= now() + interval '{AHEAD.total_seconds()} s'"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A delivery that is due, or all but, as the choice sees it. `at_work`: a publish of its channel is leaving at this moment."""

    id: UUID
    workspace_id: UUID
    channel_id: UUID
    platform: str
    action: str
    at_work: bool


@dataclass(frozen=True, slots=True)
class Due:
    """What is due at `now`, by the database's clock, or soon, in the order of time; `next_at` is when the rest begins."""

    now: datetime
    next_at: datetime | None
    candidates: Sequence[Candidate]
    has_more: bool  # than the candidates


_COLUMNS = ("id", "workspace_id", "channel_id", "platform", "action", "at_work")

# The partial indexes serve these as long as their conditions are written out.
_WAITING = "state IN ('planned', 'retrying')"
_FLYING = "action = 'publish' AND state IN ('claimed', 'sending')"

_OLDEST = f"""
SELECT clock.now, clock.next_at, d.id, d.workspace_id, d.channel_id, d.platform, d.action,
    EXISTS (SELECT FROM deliveries AS f WHERE f.channel_id = d.channel_id AND f.{_FLYING}) AS at_work
FROM (
    SELECT now() AS now,
        (SELECT min(next_at) FROM deliveries WHERE {_WAITING} AND NOT {IS_DUE}) AS next_at
) AS clock
LEFT JOIN (
    SELECT * FROM deliveries WHERE {_WAITING} AND {IS_DUE} ORDER BY next_at LIMIT $1
) AS d ON TRUE
ORDER BY d.next_at, d.due_at, d.id
"""  # noqa: S608 - constants of ours

# In a backlog: the head of each channel, so that no length of one queue slows another. Publishes leave a channel one by
# one, so its head is enough; of other actions a channel may have several in flight. Each step of the walk asks
# ix_deliveries_lanes for the entry after the last, or after all of its lane: in this order no other index can serve.
_LANES = "channel_id, action, next_at, due_at, id"
_ANSWERS_AT_ONCE = 20
_HEADS = f"""
WITH RECURSIVE walk AS (
    (SELECT {_LANES}, 1 AS place FROM deliveries WHERE {_WAITING} ORDER BY {_LANES} LIMIT 1)
    UNION ALL
    SELECT d.*, CASE WHEN (d.channel_id, d.action) = (walk.channel_id, walk.action) THEN place + 1 ELSE 1 END
    FROM walk CROSS JOIN LATERAL (
        SELECT {_LANES} FROM deliveries
        WHERE {_WAITING} AND ({_LANES}) > (
            walk.channel_id, walk.action,
            CASE WHEN walk.action <> 'publish' AND place < {_ANSWERS_AT_ONCE} AND walk.{IS_DUE}
                THEN walk.next_at ELSE 'infinity' END,
            walk.due_at, walk.id
        )
        ORDER BY {_LANES} LIMIT 1
    ) AS d
), turns AS (
    SELECT walk.*, c.workspace_id, c.platform,
        row_number() OVER (PARTITION BY platform, workspace_id ORDER BY next_at, due_at, walk.id) AS turn
    FROM walk JOIN channels AS c ON c.id = walk.channel_id
    WHERE {IS_DUE} AND c.platform <> ALL ($2::text[]) AND NOT (
        action = 'publish'
        AND EXISTS (SELECT FROM deliveries AS f WHERE f.channel_id = c.id AND f.{_FLYING})
    )
)
SELECT id, workspace_id, channel_id, platform, action, FALSE AS at_work FROM (
    SELECT * FROM turns ORDER BY turn, next_at, due_at, id LIMIT $1
) AS first ORDER BY next_at, due_at, id
"""  # noqa: S608 - constants of ours


async def look(tx: Tx, full: Sequence[str] = ()) -> Due:
    """Look for what is due; `full` names platforms that take no more at the moment. Locks nothing."""
    rows = await fetch(tx, _OLDEST, WINDOW + 1)
    now, next_at = rows[0]["now"], rows[0]["next_at"]
    has_more = len(rows) > WINDOW
    if has_more:
        rows = await fetch(tx, _HEADS, WINDOW, list(full))
    found = [Candidate(*(row[name] for name in _COLUMNS)) for row in rows if row["id"] is not None]
    return Due(now, next_at, found, has_more)


def roomy(_: UUID) -> int:
    """Room for a whole window on every channel."""
    return WINDOW


def pick(
    found: Sequence[Candidate], room: Callable[[str], int], channel_room: Callable[[UUID], int] = roomy
) -> list[Candidate]:
    """Choose among candidates in the order of time: in turns over workspaces, as many as each platform and each channel
    has room for.

    Of a channel's publishes the first one only, and none while one is at work.
    """
    ranked = sorted(_turns(found), key=lambda pair: pair[0])
    taken: Counter[str] = Counter()
    of_channel: Counter[UUID] = Counter()
    chosen = []
    for _, candidate in ranked:
        full = of_channel[candidate.channel_id] >= channel_room(candidate.channel_id)
        if taken[candidate.platform] < room(candidate.platform) and not full:
            taken[candidate.platform] += 1
            of_channel[candidate.channel_id] += 1
            chosen.append(candidate)
    return chosen


def _turns(found: Sequence[Candidate]) -> list[tuple[int, Candidate]]:
    """Number each workspace's candidates on each platform; leave out what its channel's order keeps back."""
    at_work: set[UUID] = set()
    turns: Counter[tuple[str, UUID]] = Counter()
    numbered = []
    for candidate in found:
        if candidate.action == Action.PUBLISH.value:
            if candidate.at_work or candidate.channel_id in at_work:
                continue
            at_work.add(candidate.channel_id)
        lane = (candidate.platform, candidate.workspace_id)
        turns[lane] += 1
        numbered.append((turns[lane], candidate))
    return numbered
