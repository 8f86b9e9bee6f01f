"""The contract and the adapter against a real PDS (0.4.217), which has no AppView behind it."""

import httpx
import pytest

from drumtower.domain.failures import Transient
from drumtower.platforms import PlatformError
from tests.adapters.bluesky_contract import BlueskyContract
from tests.adapters.bluesky_publishing import Desk, request
from tests.adapters.bluesky_stage import Account, Server
from tests.real.pds import Pds

pytestmark = [pytest.mark.long, pytest.mark.real_pds]


class TestContract(BlueskyContract):
    @pytest.fixture
    async def server(self, http: httpx.AsyncClient, pds: Pds) -> Server:
        async def open_account(name: str) -> Account:
            email = f"{name}@mail.test"
            owner = {"handle": f"{name}.test", "email": email, "password": "the-main-password"}
            made = await http.post(f"{pds.url}/xrpc/com.atproto.server.createAccount", json=owner)
            assert made.status_code == 200, made.text
            bearer = {"Authorization": f"Bearer {made.json()['accessJwt']}"}
            method = f"{pds.url}/xrpc/com.atproto.server.createAppPassword"
            password = (await http.post(method, json={"name": "drumtower"}, headers=bearer)).json()[
                "password"
            ]
            return Account(did=made.json()["did"], handle=owner["handle"], email=email, password=password)

        return Server(url=pds.url, http=http, open=open_account)

    async def test_the_appview_is_away_and_publishing_works(self, desk: Desk) -> None:
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.channel_stats(desk.credentials)
        assert isinstance(caught.value.failure, Transient)
        assert caught.value.failure.platform_code == "UpstreamFailure"
        await desk.adapter.publish(request(desk))
        assert len(await desk.records()) == 1
