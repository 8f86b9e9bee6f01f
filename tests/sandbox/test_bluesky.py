"""The Bluesky sandbox: the contract that a real PDS keeps, and what only the sandbox has."""

from collections.abc import AsyncIterator

import httpx
import pytest

from drumtower.sandbox.bluesky import BlueskySandbox
from drumtower.testkit.serving import serve
from tests.adapters.bluesky_contract import BlueskyContract
from tests.adapters.bluesky_stage import Account, Server


class TestContract(BlueskyContract):
    @pytest.fixture
    async def server(self, http: httpx.AsyncClient) -> AsyncIterator[Server]:
        async with serve(BlueskySandbox().app) as url:

            async def open_account(name: str) -> Account:
                email = f"{name}@mail.test"
                made = (
                    await http.post(f"{url}/control/accounts", json={"name": name, "email": email})
                ).json()
                return Account(
                    did=made["id"], handle=made["identifier"], email=email, password=made["password"]
                )

            yield Server(url=url, http=http, open=open_account)
