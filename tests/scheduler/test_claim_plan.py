"""The look for what is due reads by its indexes, and no more rows than it needs, however many are planned."""

import json
from typing import Any

import pytest

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.plain import fetch
from services.scheduler import candidates
from tests.factories import Team, make_channel

CHANNELS = 20
PLANT = """
INSERT INTO deliveries (id, workspace_id, channel_id, platform, action, payload, state, due_at, next_at, attempts, fence,
    lookups, checkpoint, prepared, context, needs_check, revision, created_by, created_at, updated_at)
SELECT gen_random_uuid(), $1, ($2::uuid[])[1 + n % $3], 'weibo', 'publish', '{}', 'planned', at, at, 0, 0, 0, '{}', false,
    '{}', false, 1, $4, now(), now()
FROM generate_series(1, $5) AS n, LATERAL (SELECT now() + CASE WHEN n <= $6 THEN -1 ELSE 1 END * n * interval '1 second' AS at) AS times
"""
Plan = dict[str, Any]


async def plant(db: Database, team: Team, box: Box, planned: int, due: int) -> None:
    """Plan that many rows, so many of them due."""
    channels = [await make_channel(db, team, box) for _ in range(CHANNELS)]
    async with db.transaction() as tx:
        await fetch(tx, "SET LOCAL statement_timeout = '300s'")
        await fetch(tx, PLANT, team.workspace_id, channels, CHANNELS, team.owner_id, planned, due)
        await fetch(tx, "ANALYZE deliveries")
        await fetch(tx, "ANALYZE channels")


async def explain(db: Database, statement: str, values: str, mode: str) -> list[Plan]:
    """Run it, planned for these values or for any; return the nodes of its plan that read deliveries."""
    async with db.transaction() as tx:
        await fetch(tx, f"SET LOCAL plan_cache_mode = {mode}")
        await fetch(tx, f"PREPARE looked AS {statement}")
        [row] = await fetch(tx, f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE looked ({values})")
        await fetch(tx, "DEALLOCATE looked")
    found = row["QUERY PLAN"]
    [plan] = json.loads(found) if isinstance(found, str) else found
    return [node for node in _nodes(plan["Plan"]) if node.get("Relation Name") == "deliveries"]


def _nodes(plan: Plan) -> list[Plan]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]


def rows_read(nodes: list[Plan]) -> int:
    dropped = "Rows Removed by Filter"
    return sum(round((node["Actual Rows"] + node.get(dropped, 0)) * node["Actual Loops"]) for node in nodes)


@pytest.mark.long
@pytest.mark.parametrize(
    ("planned", "due"),
    [
        pytest.param(20_000, 3, id="few due"),
        pytest.param(20_000, 10_000, id="a backlog"),
        pytest.param(1_000_000, 3, id="few due of a million", marks=pytest.mark.slow),
        pytest.param(1_000_000, 10_000, id="a backlog of a million", marks=pytest.mark.slow),
    ],
)
@pytest.mark.timeout(600)
async def test_the_look_reads_what_it_returns(
    db: Database, team: Team, box: Box, planned: int, due: int
) -> None:
    await plant(db, team, box, planned, due)
    for mode in ("force_generic_plan", "force_custom_plan"):
        oldest = await explain(db, candidates._OLDEST, f"{candidates.WINDOW + 1}", mode)
        heads = await explain(db, candidates._HEADS, f"{candidates.WINDOW}, '{{}}'", mode)
        for nodes, indexes in (
            (oldest, {"ix_deliveries_waiting", "ix_deliveries_flying"}),
            (heads, {"ix_deliveries_lanes", "ix_deliveries_flying"}),
        ):
            assert {node.get("Index Name") for node in nodes} <= indexes, nodes
            assert all(node["Node Type"] in ("Index Scan", "Index Only Scan") for node in nodes), nodes
        assert rows_read(oldest) <= candidates.WINDOW + 5
        # The walk's last step finds nothing; before PostgreSQL 18 its mean, rounded, counts as a row all the same.
        assert rows_read(heads) <= CHANNELS + 1
