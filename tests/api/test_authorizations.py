"""S12: connecting through a platform's consent page, and everything that may come back instead."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import AuditEvent, Channel, ChannelAuthorization
from drumtower.domain import failures
from drumtower.platforms import OAuth2, PlatformError, Refresh
from drumtower.platforms.oauth import challenge
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.sandbox.mastodon import MastodonSandbox
from drumtower.sandbox.oauth import Spending
from drumtower.sandbox.weibo import WeiboSandbox
from drumtower.testkit.serving import serve
from services.api.deps import Services
from tests.api.desk import Json, answer, problems
from tests.api.kite import Kite, KiteSandbox
from tests.conftest import client_for
from tests.factories import Team

CALLBACK = "/v1/oauth/{}/callback"


@dataclass
class Stand:
    """A served platform, and the one who connects an account of it."""

    client: httpx.AsyncClient
    team: Team
    platform: str
    url: str
    sandbox: Any

    def account(self, **options: Any) -> Json:
        """What the account's owner enters: the app, no token."""
        opened = dict(self.sandbox.add_account(**options))
        return {n: v for n, v in opened.items() if n not in ("id", "access_token", "fan_service_token")}

    async def begin(
        self, credentials: Json | None, client: httpx.AsyncClient | None = None, **fields: Any
    ) -> Json:
        asked: Json = {"platform": self.platform, "name": "鼓楼茶", "brand_id": str(self.team.brand_id)}
        asked |= {"base_url": self.url, "credentials": credentials, **fields}
        asked = {name: value for name, value in asked.items() if value is not None}
        return answer(await (client or self.client).post("/v1/channels/authorizations", json=asked), 201)

    async def consent(self, begun: Json) -> dict[str, str]:
        """The person agrees; return what the browser brings back."""
        async with httpx.AsyncClient() as browser:
            sent = await browser.get(begun["authorize_url"])
        assert sent.status_code == 302, sent.text
        target = urlsplit(sent.headers["location"])
        assert target._replace(query="").geturl() == begun["redirect_uri"]
        return {name: values[0] for name, values in parse_qs(target.query).items()}

    async def callback(
        self, params: dict[str, str], client: httpx.AsyncClient | None = None, platform: str = ""
    ) -> httpx.Response:
        return await (client or self.client).get(CALLBACK.format(platform or self.platform), params=params)

    async def connect(self, credentials: Json, **fields: Any) -> Json:
        begun = await self.begin(credentials, **fields)
        return answer(await self.callback(await self.consent(begun)))


@pytest.fixture
async def kite(app: FastAPI, client: httpx.AsyncClient, team: Team) -> AsyncIterator[Stand]:
    services: Services = app.state.services
    services.registry.adapters["kite"] = Kite
    sandbox = KiteSandbox()
    async with serve(sandbox.app) as url:
        yield Stand(client=client, team=team, platform="kite", url=url, sandbox=sandbox)


@pytest.fixture
async def weibo(client: httpx.AsyncClient, team: Team) -> AsyncIterator[Stand]:
    sandbox = WeiboSandbox()
    async with serve(sandbox.app) as url:
        yield Stand(client=client, team=team, platform="weibo", url=url, sandbox=sandbox)


async def rows(db: Database) -> list[Channel]:
    async with db.transaction() as tx:
        return list((await tx.scalars(select(Channel))).all())


class TestFlow:
    async def test_weibo_from_consent_to_channel(self, weibo: Stand, db: Database, box: Box) -> None:
        credentials = weibo.account()
        begun = await weibo.begin(credentials)
        assert begun["redirect_uri"].endswith("/v1/oauth/weibo/callback")
        assert begun["authorize_url"].startswith(
            f"{weibo.url}/oauth2/authorize?response_type=code&client_id="
        )
        assert credentials["app_secret"] not in str(begun)
        channel = answer(await weibo.callback(await weibo.consent(begun)))
        assert (channel["platform"], channel["status"], channel["name"]) == ("weibo", "connected", "鼓楼茶")
        # Weibo's web flow gives no refresh token: a person must come back before the token ends.
        ends = datetime.fromisoformat(channel["authorise_by"])
        assert channel["authorise_by"] == channel["token_expires_at"]
        health = answer(await weibo.client.get(f"/v1/channels/{channel['id']}/health"))
        assert health["authorise_by"] == channel["authorise_by"]
        assert timedelta(days=29) < ends - datetime.now(UTC) <= timedelta(days=30)
        (row,) = await rows(db)
        assert row.token is not None
        token = box.open(row.token)["access"]
        assert token.encode() not in row.token + row.credentials
        read = await weibo.client.get(f"/v1/channels/{channel['id']}")
        assert token not in read.text
        assert read.json() == channel
        async with db.transaction() as tx:
            verbs = (await tx.scalars(select(AuditEvent.verb).order_by(AuditEvent.id))).all()
        assert [verb for verb in verbs if "channel" in verb] == [
            "channel.authorization_started",
            "channel.connected",
        ]

    async def test_mastodon_with_pkce_and_a_token_that_does_not_end(
        self, client: httpx.AsyncClient, team: Team
    ) -> None:
        sandbox = MastodonSandbox()
        async with serve(sandbox.app) as url:
            stand = Stand(client=client, team=team, platform="mastodon", url=url, sandbox=sandbox)
            begun = await stand.begin(stand.account())
            assert "code_challenge_method=S256" in begun["authorize_url"]
            channel = answer(await stand.callback(await stand.consent(begun)))
        assert channel["account_id"] == "https://mastodon.example/@gulou100001"
        assert (channel["token_expires_at"], channel["authorise_by"]) == (None, None)

    async def test_an_authorised_channel_is_probed_and_renamed_with_its_token(self, weibo: Stand) -> None:
        channel = await weibo.connect(weibo.account())
        address = f"/v1/channels/{channel['id']}"
        assert answer(await weibo.client.post(f"{address}/probe"))["status"] == "connected"
        assert answer(await weibo.client.patch(address, json={"name": "新"}))["name"] == "新"

    async def test_pkce_scopes_and_the_exact_redirect(self, kite: Stand, box: Box, db: Database) -> None:
        begun = await kite.begin(kite.account())
        query = {name: value[0] for name, value in parse_qs(urlsplit(begun["authorize_url"]).query).items()}
        assert (query["scope"], query["code_challenge_method"]) == ("read write", "S256")
        assert query["redirect_uri"] == begun["redirect_uri"]
        assert begun["scopes"] == ["read", "write"]
        async with db.transaction() as tx:
            row = (await tx.scalars(select(ChannelAuthorization))).one()
        verifier = box.open(row.verifier)
        assert 43 <= len(verifier) <= 128
        assert query["code_challenge"] == challenge(verifier)
        answer(await kite.callback(await kite.consent(begun)))

    def test_the_challenge_is_the_standards(self) -> None:
        verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
        assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    async def test_a_browser_comes_back_with_its_cookie_alone(self, kite: Stand, app: FastAPI) -> None:
        begun = await kite.begin(kite.account())
        async with client_for(app, None) as browser:
            browser.cookies = httpx.Cookies(kite.client.cookies)
            browser.headers["accept"] = "text/html,*/*"
            page = await kite.callback(await kite.consent(begun), browser)
        assert page.status_code == 200
        assert "风筝100: connected" in page.text
        assert page.headers["referrer-policy"] == "no-referrer"

    async def test_the_cookie_is_out_of_scripts_reach(self, kite: Stand) -> None:
        asked: Json = {"platform": "kite", "name": "x", "brand_id": str(kite.team.brand_id)}
        asked |= {"base_url": kite.url, "credentials": kite.account()}
        made = await kite.client.post("/v1/channels/authorizations", json=asked)
        cookie = made.headers["set-cookie"].lower()
        assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/v1/oauth", "max-age=600"))

    @pytest.mark.long
    async def test_a_channel_is_authorised_again(self, kite: Stand, db: Database) -> None:
        credentials = kite.account()
        channel = await kite.connect(credentials)
        async with db.transaction() as tx:
            await tx.execute(update(Channel).values(status="disconnected", token=None))
        unsaid = {"platform": None, "name": None, "brand_id": None, "base_url": None}
        begun = await kite.begin(None, **unsaid, channel_id=channel["id"])
        again = answer(await kite.callback(await kite.consent(begun)))
        assert (again["id"], again["status"]) == (channel["id"], "connected")
        # Another account's consent does not take the channel over.
        begun = await kite.begin(kite.account(), **unsaid, channel_id=channel["id"])
        refused = await kite.callback(await kite.consent(begun))
        assert answer(refused, 409)["code"] == "wrong_account"

    async def test_a_repeat_with_the_same_key_begins_nothing_new(self, kite: Stand, db: Database) -> None:
        asked: Json = {"platform": "kite", "name": "x", "brand_id": str(kite.team.brand_id)}
        asked |= {"base_url": kite.url, "credentials": kite.account()}
        post = kite.client.post
        first, again = [
            await post("/v1/channels/authorizations", json=asked, headers={"Idempotency-Key": "k"})
            for _ in range(2)
        ]
        assert first.json() == again.json()
        async with db.transaction() as tx:
            assert len((await tx.scalars(select(ChannelAuthorization))).all()) == 1


class TestRefused:
    """Ten ways to come back wrongly; none connects anything."""

    @pytest.fixture(autouse=True)
    async def nothing(self, db: Database) -> AsyncIterator[None]:
        yield
        assert len(await rows(db)) <= self.connected

    connected = 0

    async def test_no_state(self, kite: Stand) -> None:
        params = await kite.consent(await kite.begin(kite.account()))
        del params["state"]
        assert problems(await kite.callback(params)) == {"?state": "authorization_state_missing"}

    @pytest.mark.parametrize("state", ["x", "鼓" * 500, "\x00", "a" * 4096])
    async def test_a_state_that_nobody_gave(self, kite: Stand, state: str) -> None:
        params = await kite.consent(await kite.begin(kite.account()))
        assert problems(await kite.callback(params | {"state": state})) == {"?state": "authorization_unknown"}

    async def test_another_session(self, kite: Stand, app: FastAPI, reviewer: httpx.AsyncClient) -> None:
        """Neither another member, nor a browser that began nothing, nor one that began something else."""
        params = await kite.consent(await kite.begin(kite.account()))
        assert answer(await kite.callback(params, reviewer), 403)["code"] == "authorization_foreign"
        async with client_for(app, None) as browser:
            assert answer(await kite.callback(params, browser), 403)["code"] == "authorization_foreign"
            for name in kite.client.cookies:
                browser.cookies.set(name, "guessed")
            assert answer(await kite.callback(params, browser), 403)["code"] == "authorization_foreign"

    async def test_over_ten_minutes(self, kite: Stand, db: Database) -> None:
        params = await kite.consent(await kite.begin(kite.account()))
        async with db.transaction() as tx:
            row = (await tx.scalars(select(ChannelAuthorization))).one()
            assert row.expires_at - row.created_at == timedelta(minutes=10)
            row.expires_at = datetime.now(UTC)
        assert answer(await kite.callback(params), 409)["code"] == "authorization_expired"

    async def test_a_code_twice(self, kite: Stand) -> None:
        """Under another state, the platform refuses it; the first channel stays."""
        credentials = kite.account()
        first, second = await kite.begin(credentials), await kite.begin(credentials, name="second")
        params = await kite.consent(first)
        state = parse_qs(urlsplit(second["authorize_url"]).query)["state"][0]
        answer(await kite.callback(params))
        replayed = await kite.callback(params | {"state": state})
        assert problems(replayed) == {"?code": "authorization_code_refused"}
        type(self).connected = 1

    async def test_a_code_of_another_verifier(self, kite: Stand) -> None:
        """Code injection: a code that another flow of the same app earned does not fit this one's verifier."""
        credentials = kite.account()
        first, second = await kite.begin(credentials), await kite.begin(credentials)
        params = await kite.consent(first)
        state = parse_qs(urlsplit(second["authorize_url"]).query)["state"][0]
        injected = await kite.callback(params | {"state": state})
        assert problems(injected) == {"?code": "authorization_code_refused"}

    async def test_the_verifier_is_missing(self, kite: Stand, db: Database, box: Box) -> None:
        params = await kite.consent(await kite.begin(kite.account()))
        async with db.transaction() as tx:
            await tx.execute(update(ChannelAuthorization).values(verifier=box.seal("")))
        assert problems(await kite.callback(params)) == {"?code": "authorization_code_refused"}

    async def test_another_platforms_callback(self, kite: Stand, weibo: Stand) -> None:
        params = await kite.consent(await kite.begin(kite.account()))
        crossed = await kite.callback(params, platform="weibo")
        assert problems(crossed) == {"path platform": "authorization_wrong_platform"}

    async def test_less_than_was_asked(self, kite: Stand) -> None:
        params = await kite.consent(await kite.begin(kite.account(grants="read")))
        assert problems(await kite.callback(params)) == {"?scope": "authorization_scope_missing"}

    async def test_the_person_says_no(self, kite: Stand) -> None:
        params = await kite.consent(await kite.begin(kite.account()))
        refused = {"state": params["state"], "error": "access_denied", "error_description": "x"}
        assert problems(await kite.callback(refused)) == {"?error": "authorization_refused"}
        assert answer(await kite.callback(params), 409)["code"] == "authorization_used"

    @pytest.mark.parametrize(
        "fault",
        [
            Fault(path="token", behaviour=Behaviour.RESET),
            Fault(path="token", status=500),
            Fault(path="token", status=200, body="<html>", content_type="text/html"),
            Fault(path="token", status=200, body='{"access_token": null}'),
            Fault(path="token", status=200, body='{"access_token": {"a": 1}, "expires_in": "soon"}'),
            Fault(path="/me", status=500),
        ],
    )
    async def test_the_platform_fails(self, kite: Stand, fault: Fault) -> None:
        params = await kite.consent(await kite.begin(kite.account()))
        kite.sandbox.faults.waiting.append(fault)
        answer(await kite.callback(params), 502)
        assert answer(await kite.callback(params), 409)["code"] == "authorization_used"

    async def test_a_wrong_app_secret_shows_nowhere(self, kite: Stand) -> None:
        credentials = kite.account() | {"client_secret": "wr0ng-but-s3cret"}
        refused = await kite.callback(await kite.consent(await kite.begin(credentials)))
        assert problems(refused) == {"?code": "authorization_code_refused"}
        assert "wr0ng" not in refused.text


class TestTaken:
    async def test_a_state_twice(self, kite: Stand, db: Database) -> None:
        params = await kite.consent(await kite.begin(kite.account()))
        answer(await kite.callback(params))
        assert answer(await kite.callback(params), 409)["code"] == "authorization_used"
        assert len(await rows(db)) == 1

    async def test_an_account_of_another_workspace(
        self, kite: Stand, stranger: httpx.AsyncClient, db: Database
    ) -> None:
        credentials = kite.account()
        await kite.connect(credentials)
        brand = answer(await stranger.get("/v1/brands"))["data"][0]["id"]
        begun = await kite.begin(credentials, stranger, brand_id=brand)
        refused = await kite.callback(await kite.consent(begun), stranger)
        assert answer(refused, 409)["code"] == "account_taken"
        assert str(kite.team.workspace_id) not in refused.text
        assert len(await rows(db)) == 1


class TestBegin:
    async def test_all_that_is_wrong_at_once(self, kite: Stand) -> None:
        post = kite.client.post
        bare = await post("/v1/channels/authorizations", json={})
        assert problems(bare) == dict.fromkeys(
            ("/platform", "/name", "/brand_id", "/credentials"), "field_missing"
        )
        asked: Json = {
            "platform": "kite",
            "name": "x",
            "brand_id": str(kite.team.brand_id),
            "base_url": kite.url,
        }
        asked |= {"credentials": {"client_id": "1", "pin": "2"}}
        assert problems(await post("/v1/channels/authorizations", json=asked)) == {
            "/credentials/client_secret": "field_missing",
            "/credentials/pin": "unknown_field",
        }
        asked |= {"platform": "wechat"}
        offered = await post("/v1/channels/authorizations", json=asked)
        assert problems(offered) == {"/platform": "authorization_not_offered"}
        channel = await kite.connect(kite.account())
        both = {"channel_id": channel["id"], "platform": "kite", "name": "x"}
        assert problems(await post("/v1/channels/authorizations", json=both)) == {
            "/platform": "field_not_allowed",
            "/name": "field_not_allowed",
        }


class TestRefresh:
    """The core renews from data; each platform's rule about its refresh token is kept."""

    async def _renewed(self, kite: Stand, app: FastAPI, channel: Json) -> Any:
        services: Services = app.state.services
        kite.sandbox.store.put("_clock", "ahead", {"seconds": 7000})
        async with services.db.transaction() as tx:
            soon = datetime.now(UTC) + timedelta(seconds=1)
            row = await tx.get_one(Channel, UUID(channel["id"]))
            stored = services.box.open(row.token or b"")
            row.token = services.box.seal(stored | {"expires_at": soon.isoformat()})
        connection = await services.connections.open(UUID(channel["id"]))
        return stored, connection.credentials.token

    async def test_a_rotating_refresh_token(self, kite: Stand, app: FastAPI) -> None:
        channel = await kite.connect(kite.account())
        old, new = await self._renewed(kite, app, channel)
        assert new.access != old["access"]
        assert new.refresh != old["refresh"]
        assert new.refresh_expires_at > datetime.fromisoformat(old["refresh_expires_at"])
        (row,) = await rows(app.state.services.db)
        assert row.authorise_by == new.refresh_expires_at

    async def test_a_kept_refresh_token_keeps_its_end(
        self, kite: Stand, app: FastAPI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        object.__setattr__(kite.sandbox.oauth, "spending", Spending.KEPT)
        assert isinstance(Kite.auth, OAuth2)
        monkeypatch.setattr(Kite, "auth", replace(Kite.auth, refresh=Refresh.KEPT))
        channel = await kite.connect(kite.account())
        old, new = await self._renewed(kite, app, channel)
        assert new.access != old["access"]
        assert (new.refresh, new.refresh_expires_at.isoformat()) == (
            old["refresh"],
            old["refresh_expires_at"],
        )

    async def test_a_spent_refresh_token_needs_a_person(self, kite: Stand, app: FastAPI) -> None:
        channel = await kite.connect(kite.account())
        for record in list(kite.sandbox.store._collections["_refresh"]):
            kite.sandbox.store.delete("_refresh", record)
        with pytest.raises(PlatformError) as caught:
            await self._renewed(kite, app, channel)
        assert isinstance(caught.value.failure, failures.Disconnected)
