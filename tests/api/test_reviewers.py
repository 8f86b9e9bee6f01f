"""Reviewers: named, asked at submission with a deadline, found late, and not to be got round."""

from datetime import UTC, datetime, timedelta

import httpx
from fastapi import FastAPI
from sqlalchemy import select, text

from drumtower.db.engine import Database
from drumtower.db.models import OutboxEvent
from drumtower.domain.permissions import Role
from services.scheduler.reviews import remind_reviewers
from tests.api.desk import Json, answer, edit, judge, member, problems, read, submit, write
from tests.factories import Team

_PASS_TIME = text(
    "UPDATE review_assignments SET next_at = next_at - CAST(:gone AS interval), due_at = due_at - CAST(:gone AS interval)"
)


async def me(client: httpx.AsyncClient) -> str:
    return str(answer(await client.get("/v1/me"))["member_id"])


async def assign(client: httpx.AsyncClient, post: Json, *reviewers: Json) -> httpx.Response:
    return await client.put(f"/v1/posts/{post['id']}/reviewers", json={"reviewers": list(reviewers)})


async def listed(client: httpx.AsyncClient, **params: str) -> list[Json]:
    found: list[Json] = answer(await client.get("/v1/reviews", params=params))["data"]
    return found


async def told(db: Database) -> list[str]:
    async with db.transaction() as tx:
        names = await tx.scalars(select(OutboxEvent.name).order_by(OutboxEvent.id))
        return [name for name in names if name.startswith("review.")]


async def test_a_post_waits_for_whoever_it_needs(
    app: FastAPI, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, db: Database, team: Team
) -> None:
    post = await write(client, team)
    async with member(app, db, team, Role.REVIEWER) as lawyer, member(app, db, team, Role.ADMIN) as admin:
        must: Json = {"reviewer_id": await me(lawyer), "criteria": ["compliance"]}
        may: Json = {"reviewer_id": str(team.reviewer_id), "required": False}
        named = answer(await assign(client, post, must, may))["data"]
        first, second = sorted(named, key=lambda one: not one["required"])
        assert (first["criteria"], first["state"], first["due_at"]) == (["compliance"], None, None)
        assert (second["required"], len(second["criteria"])) == (False, 4)
        assert await listed(client) == []
        await submit(client, post)
        assert answer(await judge(reviewer, post), 201)["review"]["state"] == "in_review"
        [asked] = await listed(lawyer, state="open", reviewer_id=must["reviewer_id"])
        assert (asked["post_title"], asked["overdue"]) == (post["title"], False)
        assert [one["reviewer_id"] for one in await listed(client, state="judged")] == [may["reviewer_id"]]
        loosened = await assign(client, post, may)
        assert answer(loosened, 403)["code"] == "own_work", "an author does not choose while it is in review"
        answer(await assign(admin, post, must))
        assert (
            answer(await judge(lawyer, post, {"compliance": {"verdict": "pass"}}), 201)["status"]
            == "approved"
        )
        evidence = answer(await client.get(f"/v1/posts/{post['id']}/evidence"))
        assert [one["state"] for one in evidence["reviewers"]] == ["judged"]


async def test_everything_wrong_with_reviewers_at_once(
    app: FastAPI, client: httpx.AsyncClient, stranger: httpx.AsyncClient, db: Database, team: Team
) -> None:
    post = await write(client, team)
    async with member(app, db, team, Role.REVIEWER, external=True) as agency:
        ids = [await me(agency), await me(client), await me(stranger), *[str(team.reviewer_id)] * 2]
    wrong = problems(await assign(client, post, *({"reviewer_id": one} for one in ids)))
    codes = ["may_not_review", "own_work", "unknown_reviewer"]
    expected = {f"/reviewers/{i}/reviewer_id": code for i, code in enumerate(codes)}
    assert wrong == expected | {"/reviewers/4/reviewer_id": "duplicate_reviewer"}


async def test_reminders_late_and_escalated_once_each(
    client: httpx.AsyncClient, db: Database, team: Team
) -> None:
    always = {"policies": {"review": {"within_hours": 23, "hours": "00:00-23:59"}}}
    answer(await client.patch("/v1/workspace", json=always))
    backwards = {"policies": {"review": {"hours": "18:00-09:00"}}}
    refused = problems(await client.patch("/v1/workspace", json=backwards))
    assert refused == {"/policies/review/hours": "invalid_value"}
    post = await write(client, team)
    answer(await assign(client, post, {"reviewer_id": str(team.reviewer_id)}))
    await submit(client, post)
    [asked] = await listed(client, overdue="false")
    left = datetime.fromisoformat(asked["due_at"]) - datetime.now(UTC)
    names = ["review.requested"]
    for gone, more in (
        (left - timedelta(hours=3), "review.reminded"),
        (timedelta(hours=2, minutes=30), "review.reminded"),
        (timedelta(hours=1), "review.late"),
        (timedelta(days=1), "review.escalated"),
    ):
        async with db.transaction() as tx:
            await tx.execute(_PASS_TIME, {"gone": gone})
        await remind_reviewers(db)
        await remind_reviewers(db)
        names.append(more)
        assert await told(db) == names
    [late] = await listed(client, overdue="true", state="open")
    assert late["late_at"] is not None
    evidence = answer(await client.get(f"/v1/posts/{post['id']}/evidence"))
    assert {"review.reminded", "review.late", "review.escalated"} <= {
        one["verb"] for one in evidence["audit"]
    }


async def test_nothing_is_told_of_what_is_not_in_review(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, db: Database, team: Team
) -> None:
    post = await write(client, team)
    answer(await assign(client, post, {"reviewer_id": str(team.reviewer_id)}))
    await submit(client, post)
    assert (await edit(client, post, body="新的一版，请再看一遍。")).status_code == 200
    async with db.transaction() as tx:
        await tx.execute(_PASS_TIME, {"gone": timedelta(days=30)})
    await remind_reviewers(db)
    assert await told(db) == ["review.requested"]
    assert [one["state"] for one in await listed(client)] == ["closed"]
    await submit(client, post)
    assert await told(db) == ["review.requested"] * 2, "asked anew"
    [again] = await listed(client, state="open", overdue="false")
    assert again["late_at"] is None
    answer(await judge(reviewer, await read(client, post)), 201)
    assert await listed(client, state="open") == []


async def test_statistics_say_how_much_they_rest_on(
    app: FastAPI,
    client: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    db: Database,
    team: Team,
) -> None:
    post = await write(client, team)
    answer(await assign(client, post, {"reviewer_id": str(team.reviewer_id), "required": False}))
    await submit(client, post)
    async with member(app, db, team, Role.REVIEWER) as other:
        answer(await judge(other, post, {"accuracy": {"verdict": "fail", "note": "?"}}), 201)
        other_id = await me(other)
    answer(await judge(reviewer, post), 201)
    found = answer(await client.get("/v1/reviews/statistics"))["data"]
    by_id = {one["reviewer_id"]: one for one in found}
    assert by_id.keys() == {other_id, str(team.reviewer_id)}
    mine = by_id[str(team.reviewer_id)]
    assert (mine["verdicts"], mine["speed"]["judged"], mine["speed"]["in_time_percent"]) == (4, 1, 100.0)
    assert mine["agreement"]["accuracy"] == {"pairs": 1, "percent": None, "kappa": None}
    assert answer(await stranger.get("/v1/reviews/statistics"))["data"] == []
    later = {"since": datetime.now(UTC).isoformat()}
    assert answer(await client.get("/v1/reviews/statistics", params=later))["data"] == []
