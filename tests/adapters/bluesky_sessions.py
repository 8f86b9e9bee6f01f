"""What a Bluesky server does with sessions and rate limits."""

import asyncio
from datetime import UTC, datetime

import httpx

from tests.adapters.bluesky_stage import PNG, Account, Caller, ContractStage, Server, log_in, part, refusal


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
