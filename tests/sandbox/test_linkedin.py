"""The LinkedIn sandbox speaks as documented: headers, escapes, envelopes, roles, pushes, and survives a restart."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drumtower.http import client
from drumtower.sandbox.app import create_app
from drumtower.sandbox.linkedin import LinkedInSandbox
from drumtower.sandbox.linkedin.little import shown
from drumtower.sandbox.linkedin.pushes import answer_to, sign
from drumtower.testkit.serving import serve

HEADERS = {"LinkedIn-Version": "202607", "X-Restli-Protocol-Version": "2.0.0"}
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedIn:
    """A running sandbox and one account's credentials."""

    sandbox: LinkedInSandbox
    http: httpx.AsyncClient
    url: str
    me: dict[str, Any]

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        token = {"Authorization": f"Bearer {self.me['access_token']}"}
        return await self.http.request(
            method, self.url + path, json=body, headers={**HEADERS, **token, **headers}
        )

    async def post(self, commentary: str = "鼓楼", **changed: Any) -> httpx.Response:
        body = {
            "author": self.me["id"],
            "commentary": commentary,
            "visibility": "PUBLIC",
            "distribution": {"feedDistribution": "MAIN_FEED"},
            "lifecycleState": "PUBLISHED",
        } | changed
        return await self.call(
            "POST", "/rest/posts", {name: value for name, value in body.items() if value is not None}
        )

    async def control(self, what: str, **body: Any) -> Any:
        return (await self.http.post(f"{self.url}/control/{what}", json=body)).json()

    @property
    def urn(self) -> str:
        return quote(self.me["id"], safe="")


@asynccontextmanager
async def running(log: Path | None = None, **account: Any) -> AsyncIterator[LinkedIn]:
    sandbox = LinkedInSandbox(log)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(client(allow_private=True))
        url = await stack.enter_async_context(serve(sandbox.app))
        yield LinkedIn(sandbox=sandbox, http=http, url=url, me=dict(sandbox.add_account(**account)))
        await sandbox.pusher.drained()
    sandbox.store.close()


@pytest.fixture
async def linkedin() -> AsyncIterator[LinkedIn]:
    async with running() as made:
        yield made


@pytest.fixture
async def member() -> AsyncIterator[LinkedIn]:
    async with running(kind="person") as made:
        yield made


def code(answer: httpx.Response) -> Any:
    """The error's code; the status where it has none."""
    body = answer.json()
    assert body["status"] == answer.status_code >= 400
    inputs = body.get("errorDetails", {}).get("inputErrors", [{}])
    return inputs[0].get("code") or body.get("code") or body["status"]


class TestPosts:
    async def test_the_id_stands_in_the_header_only(self, linkedin: LinkedIn) -> None:
        answer = await linkedin.post()
        assert (answer.status_code, answer.content) == (201, b"")
        urn = answer.headers["x-restli-id"]
        assert int(urn.removeprefix("urn:li:share:")) > 2**53
        read = (await linkedin.call("GET", f"/rest/posts/{quote(urn, safe='')}?viewContext=AUTHOR")).json()
        assert (read["id"], read["author"], read["commentary"]) == (urn, linkedin.me["id"], "鼓楼")
        assert read["createdAt"] > 10**12

    @pytest.mark.parametrize(
        ("commentary", "seen"),
        [
            ("开门 (九点)", "开门 "),
            ("开门 \\(九点\\)", "开门 (九点)"),
            ("a_b", "a"),
            ("看 #鼓楼 吧", "看 #鼓楼 吧"),
            ("{hashtag|\\#|鼓楼} 好", "#鼓楼 好"),
            ("{hashtag|鼓楼} 好", ""),
            ("@[Gulou](urn:li:organization:1) 好", "Gulou 好"),
            ("@鼓楼", ""),
            ("\\", ""),
            ("a\\x", "a"),
        ],
    )
    async def test_little_text_is_cut_at_a_bare_sign(
        self, linkedin: LinkedIn, commentary: str, seen: str
    ) -> None:
        assert (await linkedin.post(commentary)).status_code == 201
        (post,) = linkedin.sandbox.store.all("posts")
        assert post["text"] == seen == shown(commentary)

    @pytest.mark.parametrize(
        ("changed", "expected"),
        [
            ({"commentary": "🎉" * 1500}, 0),
            ({"commentary": "🎉" * 1500 + "a"}, "FIELD_LENGTH_TOO_LONG"),
            ({"commentary": "\\(" * 3000}, 0),
            ({"commentary": ""}, 422),
            ({"commentary": 7}, 422),
            ({"visibility": None}, 422),
            ({"visibility": "EVERYBODY"}, 422),
            ({"visibility": "CONNECTIONS"}, 422),
            ({"surprise": 1}, 422),
            ({"author": "urn:li:organization:1"}, "ACCESS_DENIED"),
            ({"content": {"article": {"source": "ftp://a"}}}, "FIELD_INVALID"),
            ({"content": {"article": {"source": "https://a.example", "title": "字" * 400}}}, 0),
            (
                {"content": {"article": {"source": "https://a.example", "title": "字" * 401}}},
                "FIELD_LENGTH_TOO_LONG",
            ),
            ({"content": {"media": {"id": "urn:li:image:x"}}}, "INVALID_URN_TYPE"),
            ({"content": {"multiImage": {"images": [{"id": "urn:li:image:x"}]}}}, "FIELD_INVALID"),
            ({"content": {"hologram": {}}}, "FIELD_INVALID"),
        ],
    )
    async def test_bodies(self, linkedin: LinkedIn, changed: dict[str, Any], expected: Any) -> None:
        answer = await linkedin.post(**changed)
        assert (code(answer) if answer.is_error else 0) == expected
        assert linkedin.sandbox.store.count("posts") == int(expected == 0)

    async def test_the_same_again_names_the_first(self, linkedin: LinkedIn) -> None:
        urn = (await linkedin.post()).headers["x-restli-id"]
        again = await linkedin.post()
        assert code(again) == "DUPLICATE_POST"
        assert urn in again.json()["message"]
        path = f"/rest/posts/{quote(urn, safe='')}"
        for _ in range(2):
            gone = await linkedin.call("DELETE", path, **{"X-RestLi-Method": "DELETE"})
            assert gone.status_code == 204
        assert code(await linkedin.call("GET", path)) == "NOT_FOUND"
        assert urn in (await linkedin.post()).json()["message"], "its ghost is named"
        await linkedin.control("clock", days=2)
        assert (await linkedin.post()).is_success

    async def test_the_authors_list_lags(self, linkedin: LinkedIn) -> None:
        for number in range(12):
            await linkedin.post(f"第{number}条")
        path = f"/rest/posts?q=author&author={linkedin.urn}"
        assert (await linkedin.call("GET", path)).json()["elements"] == []
        await linkedin.control("clock", seconds=31)
        page = (await linkedin.call("GET", path)).json()
        assert page["paging"] == {"start": 0, "count": 10, "links": []}
        assert page["elements"][0]["commentary"] == "第11条"
        rest = (await linkedin.call("GET", f"{path}&start=10&count=100")).json()["elements"]
        assert len(rest) == 2
        assert code(await linkedin.call("GET", f"{path}&count=101")) == "PARAM_INVALID"


class TestCalls:
    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            ({"LinkedIn-Version": ""}, "VERSION_MISSING"),
            ({"LinkedIn-Version": "202501"}, "NONEXISTENT_VERSION"),
            ({"LinkedIn-Version": "209901"}, "NONEXISTENT_VERSION"),
            ({"X-Restli-Protocol-Version": "1.0.0"}, "ILLEGAL_ARGUMENT"),
            ({"Authorization": ""}, "EMPTY_ACCESS_TOKEN"),
            ({"Authorization": "Bearer x"}, "INVALID_ACCESS_TOKEN"),
        ],
    )
    async def test_headers(self, linkedin: LinkedIn, headers: dict[str, str], expected: str) -> None:
        answer = await linkedin.call("GET", "/rest/organizationAcls?q=roleAssignee", **headers)
        assert code(answer) == expected

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("/rest/posts/urn:li:share:1", "ILLEGAL_ARGUMENT"),
            ("/rest/posts?q=author&author=urn:li:organization:1", "PARAM_INVALID"),
            ("/rest/posts?q=reader&author=x", "QUERY_PARAM_NOT_ALLOWED"),
            ("/rest/posts?q=author", "PARAM_INVALID"),
            ("/rest/organizationalEntityNotifications?q=criteria&actions=List%28LIKE%29", "PARAM_INVALID"),
            ("/rest/nothing", "RESOURCE_NOT_FOUND"),
            (
                "/rest/networkSizes/urn%3Ali%3Aorganization%3A1?edgeType=CompanyFollowedByMember",
                "PARAM_INVALID",
            ),
        ],
    )
    async def test_paths(self, linkedin: LinkedIn, path: str, expected: str) -> None:
        assert code(await linkedin.call("GET", path)) == expected

    async def test_a_token_that_ended(self, linkedin: LinkedIn) -> None:
        for action, expected in (("revoke", "REVOKED_ACCESS_TOKEN"), ("expire", "REVOKED_ACCESS_TOKEN")):
            await linkedin.control("token", token=linkedin.me["access_token"], action=action)
            assert code(await linkedin.post()) == expected

    async def test_the_day_ends_at_midnight(self) -> None:
        async with running(calls_per_day=2) as linkedin:
            answers = [await linkedin.post(f"第{number}条") for number in range(3)]
            assert [answer.status_code for answer in answers] == [201, 201, 429]
            assert "APPLICATION_AND_MEMBER DAY limit" in answers[2].json()["message"]
            await linkedin.control("clock", days=1)
            assert (await linkedin.post("第二天")).is_success

    async def test_what_is_a_members_is_closed(self, member: LinkedIn) -> None:
        post = await member.post()
        assert post.status_code == 201
        urn = quote(post.headers["x-restli-id"], safe="")
        for path in (
            f"/rest/posts/{urn}",
            f"/rest/posts?q=author&author={member.urn}",
            f"/rest/socialActions/{urn}/comments",
            f"/rest/organizationalEntityNotifications?q=criteria&organizationalEntity={member.urn}",
        ):
            assert code(await member.call("GET", path)) == "ACCESS_DENIED"
        about = (await member.call("GET", "/v2/userinfo")).json()
        assert member.me["id"] == f"urn:li:person:{about['sub']}"


class TestPictures:
    async def _begin(self, linkedin: LinkedIn) -> dict[str, Any]:
        wanted = {"initializeUploadRequest": {"owner": linkedin.me["id"]}}
        answer = await linkedin.call("POST", "/rest/images?action=initializeUpload", wanted)
        value: dict[str, Any] = answer.json()["value"]
        return value

    async def test_three_steps(self, linkedin: LinkedIn) -> None:
        begun = await self._begin(linkedin)
        media = {"media": {"id": begun["image"], "altText": "钟鼓楼"}}
        assert code(await linkedin.post(content=media)) == "INVALID_VALUE_FOR_FIELD"
        put = await linkedin.http.put(begun["uploadUrl"], content=PNG)
        assert (put.status_code, put.content) == (201, b"")
        read = await linkedin.call("GET", f"/rest/images/{quote(begun['image'], safe='')}")
        assert read.json()["status"] == "AVAILABLE"
        assert (await linkedin.post(content=media)).is_success

    async def test_the_address_is_right_beside_other_platforms_too(self) -> None:
        async with serve(create_app()) as url, client(allow_private=True) as http:
            made = (await http.post(f"{url}/linkedin/control/accounts", json={})).json()
            there = LinkedIn(sandbox=LinkedInSandbox(), http=http, url=f"{url}/linkedin", me=made)
            begun = await self._begin(there)
            assert (await http.put(begun["uploadUrl"], content=PNG)).status_code == 201

    async def test_what_is_no_picture_fails_later(self, linkedin: LinkedIn) -> None:
        begun = await self._begin(linkedin)
        assert (await linkedin.http.put(begun["uploadUrl"], content=b"<html>")).status_code == 201
        answer = await linkedin.post(content={"media": {"id": begun["image"]}})
        assert "PROCESSING_FAILED" in answer.json()["message"]

    async def test_a_member_writes_and_does_not_read(self, member: LinkedIn) -> None:
        begun = await self._begin(member)
        await member.http.put(begun["uploadUrl"], content=PNG)
        read = await member.call("GET", f"/rest/images/{quote(begun['image'], safe='')}")
        assert code(read) == "ACCESS_DENIED"
        assert (await member.post(content={"media": {"id": begun["image"]}})).is_success

    async def test_somebody_elses_picture(self, linkedin: LinkedIn) -> None:
        wanted = {"initializeUploadRequest": {"owner": "urn:li:organization:1"}}
        answer = await linkedin.call("POST", "/rest/images?action=initializeUpload", wanted)
        assert code(answer) == "ACCESS_DENIED"


class TestComments:
    async def _post(self, linkedin: LinkedIn) -> str:
        return str((await linkedin.post()).headers["x-restli-id"])

    async def test_listing_and_answering(self, linkedin: LinkedIn) -> None:
        post = await self._post(linkedin)
        author = {"id": "9001"}
        first = (await linkedin.control("public/comment", post=post, author=author, text="在吗"))["id"]
        (row,) = (await linkedin.call("GET", f"/rest/socialActions/{quote(post, safe='')}/comments")).json()[
            "elements"
        ]
        assert (row["commentUrn"], row["actor"], row["message"]["text"]) == (
            first,
            "urn:li:person:9001",
            "在吗",
        )
        body = {"actor": linkedin.me["id"], "object": row["object"], "message": {"text": "在的 (九点)"}}
        path = f"/rest/socialActions/{quote(first, safe='')}/comments"
        made = await linkedin.call("POST", path, body | {"parentComment": first})
        assert made.status_code == 201
        assert made.headers["x-restli-id"] == made.json()["id"]
        (nested,) = (await linkedin.call("GET", path)).json()["elements"]
        assert (nested["parentComment"], nested["message"]["text"]) == (first, "在的 (九点)")
        deeper = f"/rest/socialActions/{quote(nested['commentUrn'], safe='')}/comments"
        assert code(await linkedin.call("POST", deeper, body)) == "FIELD_INVALID"
        actions = [row["action"] for row in linkedin.sandbox.store.all("notifications")]
        assert actions == ["COMMENT", "ADMIN_COMMENT"]

    @pytest.mark.parametrize(
        ("changed", "expected"),
        [
            ({"message": {"text": "字" * 1250}}, 0),
            ({"message": {"text": "字" * 1251}}, "FIELD_LENGTH_TOO_LONG"),
            ({"message": {"text": " "}}, "MISSING_FIELD"),
            ({"message": "x"}, "MISSING_FIELD"),
            ({"content": []}, "ACCESS_DENIED"),
            ({"actor": "urn:li:organization:1"}, "ACCESS_DENIED"),
            ({"object": "urn:li:share:1"}, "NOT_FOUND"),
        ],
    )
    async def test_bodies(self, linkedin: LinkedIn, changed: dict[str, Any], expected: Any) -> None:
        post = await self._post(linkedin)
        body = {"actor": linkedin.me["id"], "object": post, "message": {"text": "好"}} | changed
        answer = await linkedin.call("POST", f"/rest/socialActions/{quote(post, safe='')}/comments", body)
        assert (code(answer) if answer.is_error else 0) == expected

    async def test_a_comment_that_is_gone(self, linkedin: LinkedIn) -> None:
        post = await self._post(linkedin)
        made = await linkedin.control("public/comment", post=post, text="说错了")
        await linkedin.control("public/uncomment", id=made["id"])
        path = f"/rest/socialActions/{quote(post, safe='')}/comments"
        assert (await linkedin.call("GET", path)).json()["elements"] == []
        assert linkedin.sandbox.store.all("notifications")[-1]["action"] == "COMMENT_DELETE"


class TestSignIn:
    async def test_a_code_buys_a_token_that_is_refreshed_within_its_own_end(self, linkedin: LinkedIn) -> None:
        query = {
            "response_type": "code",
            "client_id": linkedin.me["client_id"],
            "redirect_uri": "https://desk.example/back",
            "state": "s",
            "scope": "openid profile w_organization_social",
        }
        consent = await linkedin.http.get(f"{linkedin.url}/oauth/v2/authorization", params=query)
        back = parse_qs(urlsplit(consent.headers["location"]).query)
        form = {name: linkedin.me[name] for name in ("client_id", "client_secret")}
        bought = form | {
            "grant_type": "authorization_code",
            "code": back["code"][0],
            "redirect_uri": query["redirect_uri"],
        }
        token = (await linkedin.http.post(f"{linkedin.url}/oauth/v2/accessToken", data=bought)).json()
        assert token["expires_in"] == 5_184_000
        assert 31_535_990 <= token["refresh_token_expires_in"] <= 31_536_000
        await linkedin.control("clock", days=61)
        old = LinkedIn(
            sandbox=linkedin.sandbox,
            http=linkedin.http,
            url=linkedin.url,
            me=linkedin.me | {"access_token": token["access_token"]},
        )
        assert code(await old.post()) == "EXPIRED_ACCESS_TOKEN"
        renewal = form | {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
        new = (await linkedin.http.post(f"{linkedin.url}/oauth/v2/accessToken", data=renewal)).json()
        assert new["refresh_token_expires_in"] < 31_536_000 - 60 * 86_400
        assert (
            await LinkedIn(sandbox=old.sandbox, http=old.http, url=old.url, me=old.me | new).post()
        ).is_success


class Receiver:
    """A webhook that answers checks and keeps what is pushed."""

    def __init__(self, secret: str, failures: int = 0) -> None:
        self.secret, self.failures, self.got = secret, failures, list[tuple[bytes, str]]()

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self._answer, methods=["GET", "POST"])])

    async def _answer(self, request: Request) -> Response:
        if request.method == "GET":
            asked = request.query_params["challengeCode"]
            return JSONResponse({"challengeCode": asked, "challengeResponse": answer_to(self.secret, asked)})
        self.got.append((await request.body(), request.headers["x-li-signature"]))
        return Response(status_code=500 if len(self.got) <= self.failures else 200)


class TestPushes:
    async def test_a_checked_address_gets_signed_pushes(self, linkedin: LinkedIn) -> None:
        receiver = Receiver(linkedin.me["client_secret"], failures=1)
        async with serve(receiver.app) as url:
            about = {"account": linkedin.me["id"], "url": f"{url}/"}
            assert await linkedin.control("webhook", **about) == {"verified": True}
            post = (await linkedin.post()).headers["x-restli-id"]
            await linkedin.control("public/comment", post=post, author={"id": "9001"}, text="在吗")
            await linkedin.sandbox.pusher.drained()
        (first, signature), again = receiver.got
        assert again == (first, signature), "repeated as it was"
        assert signature == sign(receiver.secret, first)
        (told,) = json.loads(first)["notifications"]
        assert told["decoratedGeneratedActivity"]["comment"]["text"] == "在吗"
        assert told["organizationalEntity"] == linkedin.me["id"]
        assert [push["status"] for push in linkedin.sandbox.store.all("pushes")] == [500, 200]

    async def test_an_address_that_fails_its_check_is_not_taken(self, linkedin: LinkedIn) -> None:
        async with serve(Receiver("another secret").app) as url:
            about = {"account": linkedin.me["id"], "url": f"{url}/"}
            assert await linkedin.control("webhook", **about) == {"verified": False}

    async def test_only_public_posts_are_told(self, linkedin: LinkedIn) -> None:
        receiver = Receiver(linkedin.me["client_secret"])
        async with serve(receiver.app) as url:
            await linkedin.control("webhook", account=linkedin.me["id"], url=f"{url}/")
            post = (await linkedin.post(visibility="LOGGED_IN")).headers["x-restli-id"]
            await linkedin.control("public/like", post=post)
            await asyncio.sleep(0)
            await linkedin.sandbox.pusher.drained()
        assert receiver.got == []


async def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "linkedin.jsonl"
    async with running(log) as linkedin:
        post = (await linkedin.post()).headers["x-restli-id"]
        await linkedin.control("public/comment", post=post, text="在吗")
        before, me = linkedin.sandbox.store.dump(), linkedin.me
    async with running(log) as again:
        assert again.sandbox.store.dump()["posts"] == before["posts"]
        old = LinkedIn(sandbox=again.sandbox, http=again.http, url=again.url, me=me)
        assert code(await old.post()) == "DUPLICATE_POST"
        path = f"/rest/organizationalEntityNotifications?q=criteria&organizationalEntity={old.urn}"
        assert len((await old.call("GET", path)).json()["elements"]) == 1
