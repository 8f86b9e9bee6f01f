"""What a Bluesky server does, checked on our sandbox and on a real PDS alike, so that the sandbox can't drift.

Left out, because a PDS alone lacks it (it is the AppView's): notifications, counts, profiles, feeds; they are checked
on the sandbox only. Left out too, because servers differ: pictures between 1 MB (PDS 0.4) and 2 MB (0.5), and what a
query without its parameters is answered (PDS 0.4.217 says 500).
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from drumtower.http import client

POST = "app.bsky.feed.post"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
_KEY_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
ABSENT_CID = "bafyreihffx5a2e7k5uwrmmgofbvzujc5cmw5h4espouwuxt3liqoflx3ee"
FAMILY = "👨‍👩‍👧‍👦"

Answer = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with an app password."""

    did: str
    handle: str
    email: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server under test; `open` opens an account with the given short name."""

    url: str
    http: httpx.AsyncClient
    open: Callable[[str], Awaitable[Account]]


@dataclass(slots=True, kw_only=True)
class Caller:
    """Calls one server with one token."""

    server: Server
    account: Account
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, method: str, **parameters: str) -> httpx.Response:
        url = f"{self.server.url}/xrpc/{method}"
        return await self.server.http.get(url, params=parameters, headers=self.headers)

    async def post(self, method: str, **request: Any) -> httpx.Response:
        headers = {**self.headers, **request.pop("headers", {})}
        url = f"{self.server.url}/xrpc/{method}"
        return await self.server.http.post(url, headers=headers, **request)

    async def put(self, rkey: str, record: Any, *, collection: str = POST, **more: Any) -> httpx.Response:
        place = {"repo": self.account.did, "collection": collection, "rkey": rkey}
        return await self.post("com.atproto.repo.putRecord", json={**place, "record": record, **more})

    async def delete(self, rkey: str) -> httpx.Response:
        place = {"repo": self.account.did, "collection": POST, "rkey": rkey}
        return await self.post("com.atproto.repo.deleteRecord", json=place)

    async def record(self, rkey: str) -> httpx.Response:
        place = {"repo": self.account.did, "collection": POST, "rkey": rkey}
        return await self.get("com.atproto.repo.getRecord", **place)

    async def upload(self, data: bytes, content_type: str = "image/png") -> dict[str, Any]:
        sent = await self.post(
            "com.atproto.repo.uploadBlob", content=data, headers={"Content-Type": content_type}
        )
        assert sent.status_code == 200, sent.text
        reference: dict[str, Any] = sent.json()["blob"]
        return reference


def key() -> str:
    """A record key of this moment."""
    number = time.time_ns() // 1000 << 10
    return "".join(_KEY_DIGITS[(number >> shift) & 31] for shift in range(60, -1, -5))


def post(text: Any = "hi", **more: Any) -> dict[str, Any]:
    """A post of a fixed date."""
    return {"$type": POST, "text": text, "createdAt": "2026-01-01T00:00:00.000Z", **more}


def refusal(response: httpx.Response) -> Answer:
    """The status and name of an error; its text must be there."""
    body = response.json()
    assert isinstance(body["message"], str)
    return response.status_code, body["error"]


def part(token: str, index: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of a JWT."""
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[index] + "=="))
    return found


def facet(feature: Mapping[str, Any], start: int = 0, end: int = 2) -> dict[str, Any]:
    index = {"byteStart": start, "byteEnd": end}
    return post(facets=[{"index": index, "features": [dict(feature)]}])


def pictures(*files: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    images = [{"image": dict(file), "alt": "", **more} for file in files]
    return post(embed={"$type": "app.bsky.embed.images", "images": images})


def thread(**references: Mapping[str, str]) -> dict[str, Any]:
    return post(reply={name: dict(reference) for name, reference in references.items()})


_LINK, _TAG = "app.bsky.richtext.facet#link", "app.bsky.richtext.facet#tag"
_MENTION = "app.bsky.richtext.facet#mention"
_REFERENCE = {"uri": f"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/{POST}/3ke6kg3wk2222", "cid": ABSENT_CID}

TAKEN: Mapping[str, dict[str, Any]] = {
    "300 characters": post("字" * 300),
    "3000 bytes": post(FAMILY * 120),
    "no text": post(""),
    "microseconds and an offset": {**post(), "createdAt": "2026-01-01T08:00:00.123456+08:00"},
    "no type": {"text": "hi", "createdAt": "2026-01-01T00:00:00Z"},
    "three languages": post(langs=["zh-CN", "en", "pt-BR"]),
    "a link": facet({"$type": _LINK, "uri": "https://example.com"}),
    "a mark past the text": facet({"$type": _LINK, "uri": "https://example.com"}, end=500),
    "a mark of an unknown kind": facet({"$type": "x.y#z"}),
    "an unknown embed": post(embed={"$type": "x.y.z"}),
    "an unknown field": post(foo="bar"),
    "an answer to a stranger": thread(root=_REFERENCE, parent=_REFERENCE),
    "a quote": post(embed={"$type": "app.bsky.embed.record", "record": _REFERENCE}),
    "no pictures": pictures(),
    "a warning": post(labels={"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "nudity"}]}),
}

REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "301 characters": (post("字" * 301), "grapheme too big (maximum 300, got 301) at $.record.text"),
    "301 letters": (post("a" * 301), "grapheme too big (maximum 300, got 301) at $.record.text"),
    "3025 bytes": (post(FAMILY * 121), "string too big (maximum 3000, got 3025) at $.record.text"),
    "text missing": ({"$type": POST, "createdAt": "2026-01-01T00:00:00Z"}, 'Missing required key "text" at $.record'),
    "text a number": (post(5), "Expected string value type (got 5) at $.record.text"),
    "no date": ({"$type": POST, "text": "hi"}, 'Missing required key "createdAt" at $.record'),
    "no real date": ({**post(), "createdAt": "yesterday"}, 'Invalid datetime (got "yesterday") at $.record.createdAt'),
    "no zone": ({**post(), "createdAt": "2026-01-01T00:00:00"}, "Invalid datetime"),
    "four languages": (post(langs=["zh"] * 4), "array too big (maximum 3, got 4) at $.record.langs"),
    "no language": (post(langs=["!!"]), 'Invalid language (got "!!") at $.record.langs[0]'),
    "nine tags": (post(tags=["a"] * 9), "array too big (maximum 8, got 9) at $.record.tags"),
    "a mark below 0": (facet({"$type": _LINK, "uri": "https://a.b"}, start=-1), "integer too small (minimum 0, got -1)"),
    "no link": (facet({"$type": _LINK, "uri": "nope"}), 'Invalid uri (got "nope") at $.record.facets[0].features[0].uri'),
    "a long tag": (facet({"$type": _TAG, "tag": "t" * 65}), "grapheme too big (maximum 64, got 65)"),
    "no account": (facet({"$type": _MENTION, "did": "bob"}), 'Invalid DID (got "bob")'),
    "a mark nowhere": (post(facets=[{"features": []}]), 'Missing required key "index" at $.record.facets[0]'),
    "marks no list": (post(facets={}), "Expected array value type (got {}) at $.record.facets"),
    "a bad root": (thread(root={**_REFERENCE, "cid": "x"}, parent=_REFERENCE), "Invalid CID string"),
    "a bad parent": (thread(root=_REFERENCE, parent={**_REFERENCE, "uri": "http://x"}), "Invalid at-uri"),
    "no parent": (thread(root=_REFERENCE), 'Missing required key "parent" at $.record.reply'),
    "an answer to null": (post(reply=None), "Expected object value type (got null) at $.record.reply"),
    "an untyped embed": (post(embed={"images": []}), 'which includes the "$type" property value type (got {"images": ...})'),
    "a picture that is 5": (
        post(embed={"$type": "app.bsky.embed.images", "images": [{"image": 5, "alt": ""}]}),
        "Expected blob value type (got 5) at $.record.embed.images[0].image",
    ),
    "a card to nowhere": (
        post(embed={"$type": "app.bsky.embed.external", "external": {"uri": "x", "title": "", "description": ""}}),
        'Invalid uri (got "x") at $.record.embed.external.uri',
    ),
    "bad warnings": (
        post(labels={"$type": "com.atproto.label.defs#selfLabels", "values": "x"}),
        'Expected array value type (got "x") at $.record.labels.values',
    ),
    "a fraction": (post(foo=1.5), "(got 1.5) at $.record.foo"),
    "another type": ({**post(), "$type": "app.bsky.feed.like"}, f"Invalid $type: expected {POST}, got app.bsky.feed.like"),
}  # fmt: skip


class ContractStage:
    """Fixtures: a server, an account on it, and a caller with a session."""

    @pytest.fixture
    async def http(self) -> AsyncIterator[httpx.AsyncClient]:
        async with client(allow_private=True) as made:
            yield made

    @pytest.fixture
    def server(self) -> Server:
        raise NotImplementedError

    @pytest.fixture
    async def account(self, server: Server) -> Account:
        return await server.open(f"a{time.time_ns() % 10**12}")

    @pytest.fixture
    async def caller(self, server: Server, account: Account) -> Caller:
        caller = Caller(server=server, account=account)
        session = await log_in(caller)
        caller.headers["Authorization"] = f"Bearer {session['accessJwt']}"
        return caller


async def log_in(caller: Caller, identifier: str | None = None) -> dict[str, Any]:
    """Open a session with the app password."""
    account = caller.account
    body = {"identifier": identifier or account.handle, "password": account.password}
    answer = await caller.post("com.atproto.server.createSession", json=body, headers={"Authorization": ""})
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session


class SessionContract(ContractStage):
    """com.atproto.server.*: sessions."""

    async def test_a_session_of_an_app_password(self, server: Server, account: Account) -> None:
        session = await log_in(Caller(server=server, account=account))
        assert (session["did"], session["handle"]) == (account.did, account.handle)
        assert session["active"] is True
        access, refresh = part(session["accessJwt"], 1), part(session["refreshJwt"], 1)
        assert part(session["accessJwt"], 0) == {"typ": "at+jwt", "alg": "HS256"}
        assert part(session["refreshJwt"], 0) == {"typ": "refresh+jwt", "alg": "HS256"}
        assert (access["scope"], access["sub"]) == ("com.atproto.appPass", account.did)
        assert access["exp"] - access["iat"] == 2 * 3600
        assert refresh["scope"] == "com.atproto.refresh"
        assert refresh["exp"] - refresh["iat"] == 90 * 86400
        assert refresh["jti"]

    async def test_the_account_goes_by_three_names(self, server: Server, account: Account) -> None:
        caller = Caller(server=server, account=account)
        for identifier in (account.did, account.handle.upper(), account.email.upper()):
            assert (await log_in(caller, identifier))["did"] == account.did

    async def test_wrong_credentials(self, server: Server, account: Account) -> None:
        caller = Caller(server=server, account=account)
        method = "com.atproto.server.createSession"
        wrong = {
            "password": {"identifier": account.handle, "password": "nope"},
            "account": {"identifier": "nobody.test", "password": account.password},
        }
        for body in wrong.values():
            answer = await caller.post(method, json=body)
            assert refusal(answer) == (401, "AuthenticationRequired")
            assert answer.json()["message"] == "Invalid identifier or password"

    async def test_bodies_that_are_none(self, server: Server, account: Account) -> None:
        caller, method = Caller(server=server, account=account), "com.atproto.server.createSession"
        answers = {
            "half": await caller.post(method, json={"identifier": account.handle}),
            "number": await caller.post(method, json={"identifier": 5, "password": "x"}),
            "nothing": await caller.post(method),
            "broken": await caller.post(method, content=b"{", headers={"Content-Type": "application/json"}),
            "text": await caller.post(method, content=b"{}", headers={"Content-Type": "text/plain"}),
        }
        assert {name: refusal(answer) for name, answer in answers.items()} == {
            **dict.fromkeys(answers, (400, "InvalidRequest")),
            "broken": (400, "SyntaxError"),
        }
        assert answers["half"].json()["message"] == 'Missing required key "password" at $'

    async def test_get_session(self, caller: Caller) -> None:
        answer = (await caller.get("com.atproto.server.getSession")).json()
        assert (answer["did"], answer["handle"]) == (caller.account.did, caller.account.handle)
        assert answer["active"] is True

    async def test_tokens_that_are_not_taken(self, caller: Caller) -> None:
        session = await log_in(caller)
        signed, _, signature = session["accessJwt"].rpartition(".")
        forged = f"{signed}.{signature[:-6]}{'A' * 6}"
        expected = {
            "": (401, "AuthMissing"),
            "Bearer nonsense": (400, "InvalidToken"),
            f"Bearer {forged}": (400, "InvalidToken"),
            f"Bearer {session['refreshJwt']}": (400, "InvalidToken"),
            "Basic abc": (400, "InvalidToken"),
            "Bearer a b": (400, "InvalidToken"),
        }
        for header, answer in expected.items():
            caller.headers = {"Authorization": header} if header else {}
            assert refusal(await caller.get("com.atproto.server.getSession")) == answer, header

    async def test_a_refresh_token_may_be_used_again(self, caller: Caller) -> None:
        old = (await log_in(caller))["refreshJwt"]
        first, second = [await self._refresh(caller, old) for _ in range(2)]
        assert first.status_code == second.status_code == 200
        # The tokens themselves carry the second in which they were made; what they stand for is the same.
        assert part(first.json()["refreshJwt"], 1)["jti"] == part(second.json()["refreshJwt"], 1)["jti"]
        assert part(first.json()["refreshJwt"], 1)["jti"] != part(old, 1)["jti"]
        assert (await self._refresh(caller, second.json()["refreshJwt"])).status_code == 200
        caller.headers = {"Authorization": f"Bearer {first.json()['accessJwt']}"}
        assert (await caller.get("com.atproto.server.getSession")).status_code == 200

    async def test_a_session_that_was_ended(self, caller: Caller) -> None:
        session = await log_in(caller)
        bearer = {"Authorization": f"Bearer {session['refreshJwt']}"}
        ended = await caller.post("com.atproto.server.deleteSession", headers=bearer)
        assert (ended.status_code, ended.content) == (200, b"")
        assert refusal(await self._refresh(caller, session["refreshJwt"])) == (400, "ExpiredToken")
        # The access token lives on until its own end.
        caller.headers = {"Authorization": f"Bearer {session['accessJwt']}"}
        assert (await caller.get("com.atproto.server.getSession")).status_code == 200

    async def test_refreshing_with_something_else(self, caller: Caller) -> None:
        session = await log_in(caller)
        assert refusal(await self._refresh(caller, session["accessJwt"])) == (400, "InvalidToken")
        nobody = Caller(server=caller.server, account=caller.account)
        missing = await nobody.post("com.atproto.server.refreshSession")
        assert refusal(missing) == (401, "AuthMissing")
        bearer = {"Authorization": f"Bearer {session['refreshJwt']}"}
        bodied = await caller.post("com.atproto.server.refreshSession", json={}, headers=bearer)
        assert refusal(bodied) == (400, "InvalidRequest")

    async def test_describes_itself(self, caller: Caller) -> None:
        answer = (await caller.get("com.atproto.server.describeServer")).json()
        assert answer["did"] == part((await log_in(caller))["accessJwt"], 1)["aud"]
        assert answer["inviteCodeRequired"] is False
        found = await caller.get("com.atproto.identity.resolveHandle", handle=caller.account.handle)
        assert found.json() == {"did": caller.account.did}
        unknown = await caller.get("com.atproto.identity.resolveHandle", handle="nobody.test")
        assert refusal(unknown) == (400, "InvalidRequest")

    async def test_methods_that_nobody_knows_ask_for_a_session_first(self, caller: Caller) -> None:
        caller.headers = {}
        assert refusal(await caller.get("com.example.nothing")) == (401, "AuthMissing")

    async def _refresh(self, caller: Caller, token: str) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {token}"}
        return await caller.post("com.atproto.server.refreshSession", headers=bearer)


class RecordContract(ContractStage):
    """com.atproto.repo.*: records."""

    async def test_a_record_has_the_content_id_of_its_content(self, caller: Caller) -> None:
        rkey = key()
        answer = (await caller.put(rkey, post())).json()
        assert answer["uri"] == f"at://{caller.account.did}/{POST}/{rkey}"
        assert answer["cid"] == "bafyreigq3exe2m23sojzoachuyucow4vu7eyatati4uy6scr4ixt6xwlhi"
        assert answer["validationStatus"] == "valid"
        assert set(answer["commit"]) == {"cid", "rev"}

    async def test_the_same_record_again_changes_nothing(self, caller: Caller) -> None:
        rkey = key()
        first = (await caller.put(rkey, post(), swapRecord=None)).json()
        for more in ({}, {"swapRecord": None}, {"swapRecord": first["cid"]}):
            again = await caller.put(rkey, post(), **more)
            assert again.status_code == 200
            assert (again.json()["uri"], again.json()["cid"]) == (first["uri"], first["cid"])
            assert "commit" not in again.json()

    async def test_another_record_under_the_key(self, caller: Caller) -> None:
        rkey = key()
        first = (await caller.put(rkey, post())).json()["cid"]
        for swap in (None, ABSENT_CID):
            refused = await caller.put(rkey, post("other"), swapRecord=swap)
            assert refusal(refused) == (400, "InvalidSwap")
            assert refused.json()["message"] == f"Record was at {first}"
        assert (await caller.record(rkey)).json()["cid"] == first
        edited = await caller.put(rkey, post("other"), swapRecord=first)
        assert edited.json()["cid"] != first
        assert (await caller.put(rkey, post("third"))).json()["cid"] != edited.json()["cid"]

    async def test_expecting_a_record_where_there_is_none(self, caller: Caller) -> None:
        refused = await caller.put(key(), post(), swapRecord=ABSENT_CID)
        assert refusal(refused) == (400, "InvalidSwap")
        assert refused.json()["message"] == "Record was at null"
        assert refusal(await caller.put(key(), post(), swapRecord="zzz")) == (400, "InvalidRequest")

    async def test_records_that_are_taken(self, caller: Caller) -> None:
        for name, record in TAKEN.items():
            answer = await caller.put(key(), record)
            assert answer.status_code == 200, (name, answer.text)

    async def test_records_that_are_refused(self, caller: Caller) -> None:
        rkey = key()
        for name, (record, said) in REFUSED.items():
            answer = await caller.put(rkey, record)
            assert refusal(answer) == (400, "InvalidRequest"), name
            assert said in answer.json()["message"], name
        assert refusal(await caller.record(rkey)) == (400, "RecordNotFound")

    async def test_keys_must_be_timestamps(self, caller: Caller) -> None:
        for rkey in ("abc", "3ke6kg3wk222", "zke6kg3wk2222", "3KE6KG3WK2222", "a/b", "..", ""):
            assert refusal(await caller.put(rkey, post())) == (400, "InvalidRequest"), rkey
        assert refusal(await caller.put(key(), post(), collection="x")) == (400, "InvalidRequest")
        assert (await caller.put("3ke6kg3wk2222", post())).status_code == 200

    async def test_other_repositories(self, caller: Caller) -> None:
        stranger = await caller.server.open(f"b{time.time_ns() % 10**12}")
        for did, expected in (
            ("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", (403, "AccountNotFound")),
            (stranger.did, (401, "AuthenticationRequired")),
        ):
            assert refusal(await caller.put(key(), post(), repo=did)) == expected
        assert (await caller.put(key(), post(), repo=caller.account.handle)).status_code == 200
        caller.headers = {}
        assert refusal(await caller.put(key(), post())) == (401, "AuthMissing")

    async def test_records_that_are_none(self, caller: Caller) -> None:
        place = {"repo": caller.account.did, "collection": POST, "rkey": key()}
        method = "com.atproto.repo.putRecord"
        assert refusal(await caller.post(method, json=place)) == (400, "InvalidRequest")
        assert refusal(await caller.post(method, json={**place, "record": 5})) == (400, "InvalidRequest")
        large = await caller.post(method, json={**place, "record": post("a" * 200_000)})
        assert refusal(large) == (413, "PayloadTooLargeError")

    async def test_reading(self, caller: Caller) -> None:
        rkey = key()
        cid = (await caller.put(rkey, post())).json()["cid"]
        found = await caller.record(rkey)
        assert found.json() == {
            "uri": f"at://{caller.account.did}/{POST}/{rkey}",
            "cid": cid,
            "value": post(),
        }
        absent = await caller.record("2222222222222")
        assert refusal(absent) == (400, "RecordNotFound")
        caller.headers = {"Authorization": "Bearer nonsense"}
        assert (await caller.record(rkey)).status_code == 200

    async def test_listing(self, caller: Caller) -> None:
        keys = [key() for _ in range(3)]
        for rkey in keys:
            await caller.put(rkey, post(rkey))
        place = {"repo": caller.account.did, "collection": POST}
        first = (await caller.get("com.atproto.repo.listRecords", **place, limit="2")).json()
        assert [record["value"]["text"] for record in first["records"]] == keys[:0:-1]
        assert first["cursor"] == keys[1]
        cursor = {"cursor": first["cursor"], "limit": "2"}
        rest = (await caller.get("com.atproto.repo.listRecords", **place, **cursor)).json()
        assert [record["value"]["text"] for record in rest["records"]] == keys[:1]
        forward = (await caller.get("com.atproto.repo.listRecords", **place, reverse="true")).json()
        assert [record["value"]["text"] for record in forward["records"]] == keys
        unknown = await caller.get("com.atproto.repo.listRecords", repo="nobody.test", collection=POST)
        assert refusal(unknown) == (400, "InvalidRequest")

    async def test_deleting(self, caller: Caller) -> None:
        rkey = key()
        await caller.put(rkey, post())
        gone = await caller.delete(rkey)
        assert set(gone.json()["commit"]) == {"cid", "rev"}
        assert refusal(await caller.record(rkey)) == (400, "RecordNotFound")
        for again in (rkey, "abc"):
            answer = await caller.delete(again)
            assert (answer.status_code, answer.json()) == (200, {})

    async def test_creating_under_a_key_that_is_taken_breaks_the_server(self, caller: Caller) -> None:
        place = {"repo": caller.account.did, "collection": POST}
        method = "com.atproto.repo.createRecord"
        assert (await caller.post(method, json={**place, "record": post()})).status_code == 200
        taken = {**place, "rkey": key()}
        assert (await caller.post(method, json={**taken, "record": post()})).status_code == 200
        answer = await caller.post(method, json={**taken, "record": post("other")})
        assert refusal(answer) == (500, "InternalServerError")


class BlobContract(ContractStage):
    """com.atproto.repo.uploadBlob, and records that refer to files."""

    async def test_the_same_bytes_give_the_same_reference(self, caller: Caller) -> None:
        first, again = await caller.upload(PNG), await caller.upload(PNG)
        assert first == again
        assert first == {
            "$type": "blob",
            "ref": {"$link": first["ref"]["$link"]},
            "mimeType": "image/png",
            "size": len(PNG),
        }
        text = await caller.upload(b"hello", "text/plain")
        assert text["ref"]["$link"] == "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"

    async def test_bytes_count_for_more_than_the_header(self, caller: Caller) -> None:
        assert (await caller.upload(PNG, "image/jpeg"))["mimeType"] == "image/png"
        # What it does not recognise, it believes.
        assert (await caller.upload(b"no picture", "image/png"))["mimeType"] == "image/png"

    async def test_uploads_that_are_refused(self, caller: Caller) -> None:
        method = "com.atproto.repo.uploadBlob"
        untyped = await caller.post(method, content=PNG, headers={"Content-Type": ""})
        assert refusal(untyped) == (400, "InvalidRequest")
        nobody = Caller(server=caller.server, account=caller.account)
        unsigned = await nobody.post(method, content=PNG, headers={"Content-Type": "image/png"})
        assert refusal(unsigned) == (401, "AuthMissing")

    async def test_references_that_do_not_fit(self, caller: Caller) -> None:
        file = await caller.upload(PNG)
        expected: dict[str, tuple[dict[str, Any], str]] = {
            "unknown": ({**file, "ref": {"$link": ABSENT_CID.replace("bafyrei", "bafkrei")}}, "BlobNotFound"),
            "type": ({**file, "mimeType": "image/jpeg"}, "InvalidMimeType"),
            "size": ({**file, "size": 7}, "InvalidSize"),
            "no picture": ({**file, "mimeType": "video/mp4"}, "InvalidRequest"),
            "too large": ({**file, "size": 2_000_001}, "InvalidRequest"),
            "no link": ({**file, "ref": {"$link": "zz"}}, "InvalidRequest"),
            "old form": ({"cid": file["ref"]["$link"], "mimeType": "image/png"}, "InvalidRequest"),
        }
        for name, (reference, error) in expected.items():
            assert refusal(await caller.put(key(), pictures(reference))) == (400, error), name
        ratios = ({"width": 0, "height": 2}, {"width": 3})
        for ratio in ratios:
            answer = await caller.put(key(), pictures(file, aspectRatio=ratio))
            assert refusal(answer) == (400, "InvalidRequest")
        assert refusal(await caller.put(key(), pictures(*[file] * 5))) == (400, "InvalidRequest")
        four = await caller.put(key(), pictures(*[file] * 4, aspectRatio={"width": 2, "height": 2}))
        assert four.status_code == 200

    async def test_a_file_goes_with_its_last_record(self, caller: Caller) -> None:
        file, first, second = await caller.upload(PNG), key(), key()
        for rkey in (first, second):
            assert (await caller.put(rkey, pictures(file))).status_code == 200
        await caller.delete(first)
        assert (await caller.put(key(), pictures(file))).status_code == 200
        for record in (await self._list(caller))["records"]:
            await caller.delete(record["uri"].rpartition("/")[2])
        assert refusal(await caller.put(key(), pictures(file))) == (400, "BlobNotFound")

    async def _list(self, caller: Caller) -> dict[str, Any]:
        place = {"repo": caller.account.did, "collection": POST}
        found: dict[str, Any] = (await caller.get("com.atproto.repo.listRecords", **place)).json()
        return found


class LimitContract(ContractStage):
    """Rate limits, and how they are told."""

    async def test_headers(self, caller: Caller) -> None:
        upload = await caller.post(
            "com.atproto.repo.uploadBlob", content=PNG, headers={"Content-Type": "image/png"}
        )
        assert upload.headers["ratelimit-policy"] == "1000;w=86400"
        assert upload.headers["ratelimit-limit"] == "1000"
        assert 0 < int(upload.headers["ratelimit-remaining"]) < 1000
        assert int(upload.headers["ratelimit-reset"]) > datetime.now(UTC).timestamp() + 3600

    async def test_too_many_log_ins(self, server: Server, account: Account) -> None:
        caller = Caller(server=server, account=account)
        body = {"identifier": f"no-{account.handle}", "password": "nope"}
        sent = [caller.post("com.atproto.server.createSession", json=body) for _ in range(31)]
        answers = await asyncio.gather(*sent)
        over = [answer for answer in answers if answer.status_code != 401]
        assert [refusal(answer) for answer in over] == [(429, "RateLimitExceeded")]
        assert over[0].json()["message"] == "Rate Limit Exceeded"
        assert over[0].headers["ratelimit-policy"] == "30;w=300"
        assert over[0].headers["ratelimit-remaining"] == "0"
        assert "retry-after" not in over[0].headers
        left = int(over[0].headers["ratelimit-reset"]) - datetime.now(UTC).timestamp()
        assert 200 < left <= 300


class BlueskyContract(SessionContract, RecordContract, BlobContract, LimitContract):
    """All of it."""
