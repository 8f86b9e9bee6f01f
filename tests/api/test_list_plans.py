"""Every list is read along an index of its workspace's rows, in its order: page 10,000 costs what the first does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, text

from drumtower.db.engine import Database
from drumtower.domain.ids import new_id
from services.api.pagination import Paging, get_paging
from tests.api.desk import answer
from tests.api.world import operations
from tests.factories import Team

# Bounded by their own limits, with the reason.
FEW = {"/v1/rule-packs": "the shipped ones, and twenty of a workspace's own (domain/rule_packs.MOST_PACKS)"}
# Known and not mended: read along the primary key, past what other workspaces have there, with the reason.
OWED = {"/v1/metrics/samples": "an index more would cost every sample that is written; not measured yet"}

Plan = dict[str, Any]
Statement = tuple[str, tuple[Any, ...]]


@contextmanager
def heard(db: Database) -> Iterator[list[Statement]]:
    """Collect the statements of the database's engine."""
    found: list[Statement] = []

    def note(conn: object, cursor: object, statement: str, parameters: Any, *rest: object) -> None:
        found.append((statement, parameters))

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine.sync_engine, "before_cursor_execute", note)


def lists(app: FastAPI) -> list[str]:
    """Return the paths of all lists with pages that belong to nothing but the workspace."""
    return [
        one.path
        for one in operations(app.openapi())
        if one.method == "get"
        and "cursor" in one.query_names
        and not one.path_names
        and one.path not in FEW | OWED
    ]


def nodes(plan: Plan) -> list[Plan]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


async def explain(db: Database, statement: Statement) -> list[Plan]:
    """Plan it as for a great table: an empty one would be read whole."""
    async with db.transaction() as tx:
        for off in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
            await tx.execute(text(f"SET LOCAL {off} = off"))
        connection = await tx.connection()
        found = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement[0]}", statement[1])
        plan = found.scalar_one()
    [shown] = json.loads(plan) if isinstance(plan, str) else plan
    return nodes(shown["Plan"])


async def even(db: Database) -> None:
    """Make every index anew: what earlier tests left in one makes another look cheaper."""
    async with db.transaction() as tx:
        tables = await tx.scalars(
            text(
                "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
        )
        for table in tables.all():
            await tx.execute(text(f"REINDEX TABLE {table}"))


@pytest.mark.long
async def test_every_list_is_read_in_its_order(
    app: FastAPI, client: httpx.AsyncClient, team: Team, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await even(db)
    deep = Paging(limit=50, after=new_id(), filters="")
    monkeypatch.setitem(app.dependency_overrides, get_paging, lambda: deep)  # the app outlives the test
    served = app.state.services.db
    wrong = {}
    for path in lists(app):
        with heard(served) as statements:
            answer(await client.get(path))
        paged = [one for one in statements if "ORDER BY" in one[0] and "LIMIT" in one[0]]
        assert paged, path
        for statement in paged:
            read = await explain(db, statement)
            sorts = [node["Node Type"] for node in read if "Sort" in node["Node Type"]]
            conditions = [node.get("Index Cond", "") for node in read]
            if sorts or not any("workspace_id" in one and "id <" in one for one in conditions):
                wrong[path] = [(node["Node Type"], node.get("Index Cond")) for node in read]
    assert wrong == {}
