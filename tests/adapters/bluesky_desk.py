"""The Bluesky adapter with a session on a sandbox of its own."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from drumtower.adapters.bluesky.adapter import BlueskyAdapter
from drumtower.adapters.bluesky.errors import BREAKDOWNS
from drumtower.http import client
from drumtower.platforms import (
    Credentials,
    FeedbackPage,
    InteractionEvent,
    PostReference,
    Published,
    PublishRequest,
)
from drumtower.sandbox.bluesky import BlueskySandbox
from drumtower.sandbox.faults import Fault
from drumtower.testkit.serving import serve
from tests.adapters.bluesky_publishing import message, request

_STATUSES = {
    "MethodNotImplemented": 501,
    "UpstreamFailure": 502,
    "UpstreamTimeout": 504,
    "NotEnoughResources": 507,
}


def error(code: str, said: str = "", *, status: int | None = None, **fault: Any) -> Fault:
    """The server's error envelope with the status that the name comes with."""
    usual = _STATUSES.get(code, 500) if code in BREAKDOWNS else 429 if code == "RateLimitExceeded" else 400
    body = json.dumps({"error": code, "message": said})
    return Fault.model_validate({"status": status or usual, "body": body, **fault})


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The adapter with a session on a sandbox of its own."""

    adapter: BlueskyAdapter
    sandbox: BlueskySandbox
    credentials: Credentials
    url: str

    def break_with(self, *faults: Fault) -> None:
        self.sandbox.faults.waiting += faults

    async def public(self, what: str, **body: Any) -> str:
        answer = await self.adapter.http.post(f"{self.url}/control/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json().get("id"))

    async def out(self, text: str = "欢迎留言") -> Published:
        return await self.adapter.publish(self.request(text))

    def request(self, text: str = "欢迎留言") -> PublishRequest:
        return request(self, message(text))

    async def pull(self, cursor: dict[str, Any]) -> FeedbackPage:
        page = await self.adapter.feedback(self.credentials, cursor, [])
        assert json.loads(json.dumps(page.cursor)) == page.cursor
        return page

    async def drain(self, cursor: dict[str, Any]) -> tuple[list[InteractionEvent], dict[str, Any]]:
        events: list[InteractionEvent] = []
        while True:
            page = await self.pull(cursor)
            events, cursor = [*events, *page.events], page.cursor
            if not page.more:
                return events, cursor


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Import it where it is used."""
    sandbox = BlueskySandbox()
    account = sandbox.add_account(name="gulou.test", followers=12)
    values = {"identifier": account["identifier"], "password": account["password"]}
    credentials = Credentials(values=values, account_id=account["id"])
    async with serve(sandbox.app) as url, client(allow_private=True) as http:
        adapter = BlueskyAdapter(http, url)
        token = await adapter.token(credentials)
        yield Desk(adapter=adapter, sandbox=sandbox, credentials=replace(credentials, token=token), url=url)


def reference(out: Published) -> PostReference:
    return PostReference(external_id=out.external_id, published_at=datetime.now(UTC))
