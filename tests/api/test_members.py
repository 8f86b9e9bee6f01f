"""Members and invitations: joining, changing, ending, and what nobody may do to themselves or above themselves."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from drumtower.db.engine import Database
from drumtower.db.models import Invitation, Member
from drumtower.domain.permissions import Role
from tests.api.desk import Json, answer, problems
from tests.conftest import client_for
from tests.factories import Team, make_key, make_member

PASSWORD = "一杯慢下来的午后，足够长"
INVITATIONS = "/v1/members/invitations"


def invitation(**fields: object) -> Json:
    return {"email": "lin@example.com", "role": "creator"} | fields


async def invite(client: httpx.AsyncClient, **fields: object) -> Json:
    return answer(await client.post(INVITATIONS, json=invitation(**fields)), 201)


async def join(app: FastAPI, token: str, name: str = "林晓") -> httpx.Response:
    async with client_for(app, None) as nobody:
        return await nobody.post(
            "/v1/auth/invitation", json={"token": token, "name": name, "password": PASSWORD}
        )


async def add(db: Database, team: Team, role: Role) -> tuple[UUID, str]:
    async with db.transaction() as tx:
        member = await make_member(tx, team.workspace_id, role)
        return member.id, await make_key(tx, member)


class TestInvitations:
    @pytest.mark.long
    async def test_an_invited_agency_joins_and_may_do_what_it_was_offered(
        self, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        ends = (datetime.now(UTC) + timedelta(days=30)).isoformat()
        made = await invite(client, email=" Lin@Example.com ", role="publisher", external=True, ends_at=ends)
        assert (made["email"], made["state"]) == ("lin@example.com", "open")
        tokens = answer(await join(app, made["token"]))
        async with client_for(app, tokens["access_token"]) as agency:
            me = answer(await agency.get("/v1/me"))
            assert (me["name"], me["role"], me["external"]) == ("林晓", "publisher", True)
            assert "posts.publish" not in me["permissions"]
        listed = answer(await client.get(INVITATIONS))["data"]
        assert [one["state"] for one in listed] == ["accepted"]
        assert "token" not in listed[0]
        async with client_for(app, None) as nobody:
            body = {"email": "LIN@example.com", "password": PASSWORD}
            answer(await nobody.post("/v1/auth/token", json=body))

    async def test_a_token_is_good_once_even_at_the_same_moment(
        self, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        made = await invite(client)
        answers = await asyncio.gather(*(join(app, made["token"]) for _ in range(4)))
        assert sorted(one.status_code for one in answers) == [200, 401, 401, 401]

    async def test_taken_back_replaced_or_old_it_opens_nothing(
        self, app: FastAPI, client: httpx.AsyncClient, db: Database
    ) -> None:
        back = await invite(client, email="a@example.com")
        assert (await client.delete(f"{INVITATIONS}/{back['id']}")).status_code == 204
        replaced = await invite(client, email="b@example.com")
        await invite(client, email="b@example.com")
        old = await invite(client, email="c@example.com")
        async with db.transaction() as tx:
            past = update(Invitation).where(Invitation.id == UUID(old["id"]))
            await tx.execute(past.values(expires_at=datetime.now(UTC)))
        for token in (back["token"], replaced["token"], old["token"], "dti_none"):
            refused = await join(app, token)
            assert (refused.status_code, refused.json()["code"]) == (401, "invitation_invalid")
        states = {
            one["email"][0]: one["state"] for one in answer(await client.get(INVITATIONS))["data"][::-1]
        }
        assert states == {"a": "revoked", "b": "open", "c": "expired"}

    @pytest.mark.long
    async def test_an_address_belongs_to_one_member(
        self, app: FastAPI, client: httpx.AsyncClient, stranger: httpx.AsyncClient, team: Team
    ) -> None:
        member = await client.post(INVITATIONS, json=invitation(email=team.owner_email))
        assert problems_code(member) == (409, "already_member")
        elsewhere = await invite(stranger, email=team.owner_email)
        assert problems_code(await join(app, elsewhere["token"])) == (409, "email_taken")

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"email": "no address"}, {"/email": "invalid_string"}),
            ({"email": "a@b\nBcc: c@example.com"}, {"/email": "invalid_string"}),
            ({"role": "king"}, {"/role": "invalid_choice"}),
            (
                {"role": "admin", "external": True},
                {"/role": "external_role", "/ends_at": "end_required"},
            ),
            ({"ends_at": "2020-01-01T00:00:00Z"}, {"/ends_at": "time_in_past"}),
            ({"ends_at": "2027-01-01T00:00:00"}, {"/ends_at": "naive_time"}),
        ],
    )
    async def test_what_is_wrong_is_said_at_once(
        self, client: httpx.AsyncClient, fields: Json, wrong: dict[str, str]
    ) -> None:
        assert problems(await client.post(INVITATIONS, json=invitation(**fields))) == wrong

    async def test_a_short_password_is_refused_and_the_invitation_stays(
        self, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        made = await invite(client)
        async with client_for(app, None) as nobody:
            body = {"token": made["token"], "name": "林晓", "password": "short"}
            assert problems(await nobody.post("/v1/auth/invitation", json=body)) == {
                "/password": "invalid_string"
            }
        answer(await join(app, made["token"]))


def problems_code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


class TestChanges:
    async def test_a_role_holds_from_the_next_request_on(
        self, app: FastAPI, client: httpx.AsyncClient, db: Database, team: Team
    ) -> None:
        member, key = await add(db, team, Role.VIEWER)
        async with client_for(app, key) as theirs:
            assert (await theirs.post("/v1/brands", json={"name": "x"})).status_code == 403
            read = await client.get(f"/v1/members/{member}")
            sent = {"If-Match": read.headers["etag"]}
            changed = await client.patch(f"/v1/members/{member}", json={"role": "admin"}, headers=sent)
            assert answer(changed)["revision"] == 2
            assert (await theirs.post("/v1/brands", json={"name": "x"})).status_code == 201
            stale = await client.patch(f"/v1/members/{member}", json={"role": "viewer"}, headers=sent)
            assert stale.status_code == 412

    async def test_an_ended_member_opens_nothing_and_may_come_back(
        self, app: FastAPI, client: httpx.AsyncClient, db: Database, team: Team
    ) -> None:
        member, key = await add(db, team, Role.CREATOR)
        async with client_for(app, key) as theirs:
            ended = answer(await client.post(f"/v1/members/{member}/end"))
            assert (ended["ended"], ended["permissions"]) == (True, [])
            assert answer(await client.post(f"/v1/members/{member}/end")) == ended
            assert (await theirs.get("/v1/me")).status_code == 401
            names = answer(await client.get("/v1/members", params={"ended": True}))["data"]
            assert [one["id"] for one in names] == [str(member)]
            answer(await client.patch(f"/v1/members/{member}", json={"ends_at": None}))
            assert (await theirs.get("/v1/me")).status_code == 200

    async def test_nobody_changes_themselves_but_their_name(
        self, client: httpx.AsyncClient, team: Team
    ) -> None:
        own = f"/v1/members/{team.owner_id}"
        assert answer(await client.patch(own, json={"name": "掌柜"}))["name"] == "掌柜"
        for body in ({"role": "viewer"}, {"ends_at": None}, {"external": False}):
            assert problems_code(await client.patch(own, json=body)) == (403, "own_membership")
        assert problems_code(await client.post(f"{own}/end")) == (403, "own_membership")

    async def test_an_admin_neither_makes_nor_unmakes_owners(
        self, app: FastAPI, db: Database, team: Team
    ) -> None:
        _, key = await add(db, team, Role.ADMIN)
        other, _ = await add(db, team, Role.VIEWER)
        async with client_for(app, key) as admin:
            for answered in (
                await admin.patch(f"/v1/members/{other}", json={"role": "owner"}),
                await admin.patch(f"/v1/members/{team.owner_id}", json={"role": "viewer"}),
                await admin.post(f"/v1/members/{team.owner_id}/end"),
                await admin.post(INVITATIONS, json=invitation(role="owner")),
            ):
                assert problems(answered) == {"/role": "role_too_wide"}

    async def test_two_owners_ending_each_other_leave_one(
        self, app: FastAPI, client: httpx.AsyncClient, db: Database, team: Team
    ) -> None:
        second, key = await add(db, team, Role.OWNER)
        async with client_for(app, key) as other:
            answers = await asyncio.gather(
                client.post(f"/v1/members/{second}/end"), other.post(f"/v1/members/{team.owner_id}/end")
            )
        assert sorted(one.status_code for one in answers) in ([200, 401], [200, 409])
        async with db.transaction() as tx:
            rows = [await tx.get_one(Member, one) for one in (second, team.owner_id)]
        assert [row.ends_at is None for row in rows].count(True) == 1

    async def test_the_lists_filter(self, client: httpx.AsyncClient, team: Team) -> None:
        for params, expected in (
            ({"role": "reviewer"}, [str(team.reviewer_id)]),
            ({"external": "true"}, []),
            ({"ended": "false", "role": "owner"}, [str(team.owner_id)]),
        ):
            found = answer(await client.get("/v1/members", params=params))["data"]
            assert [one["id"] for one in found] == expected

    async def test_roles_are_the_table(self, client: httpx.AsyncClient) -> None:
        roles = answer(await client.get("/v1/roles"))
        assert [one["role"] for one in roles["data"]] == [role.value for role in Role]
        assert all(one["meaning"] for one in roles["permissions"])
