"""A platform that lists nothing: what was lost there can't be looked up, so a person must decide (class blind)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from drumtower.domain.capabilities import Capabilities, Label, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Adapter,
    AppSecret,
    CredentialField,
    Credentials,
    Outcome,
    PlatformCalls,
    Published,
    PublishRequest,
    RemoteAccount,
)
from drumtower.sandbox.platform import SandboxPlatform

SEND = "/send"


class BlindSandbox(SandboxPlatform):
    """Takes whatever is sent, each time anew, and shows it to nobody but the control plane."""

    slug: ClassVar[str] = "blind"

    def routes(self) -> list[BaseRoute]:
        return [Route(SEND, self._send, methods=["POST"])]

    def control_routes(self) -> list[BaseRoute]:
        return []

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        number = str(self.store.next_number("account"))
        self.store.put("accounts", number, {"id": number, "name": account.get("name", "")})
        return {"id": number, "account": number}

    async def _send(self, request: Request) -> JSONResponse:
        sent = await request.json()
        number = str(self.store.next_number("post"))
        self.store.put(
            "posts",
            number,
            {"id": number, "account": sent["account"], "text": sent["text"], "deleted": False},
        )
        return JSONResponse({"id": number})


class BlindAdapter(Adapter):
    """Publishes, and has no way to ask afterwards."""

    slug: ClassVar[str] = "blind"
    name: ClassVar[Label] = Label(zh_cn="盲发平台", en="Blind")
    default_base_url: ClassVar[str] = "http://blind.invalid"
    auth = AppSecret(
        fields=(CredentialField(name="account", label=Label(zh_cn="账号", en="Account"), secret=False),)
    )
    capabilities = Capabilities(
        kinds=(Kind.IMAGE_TEXT,),
        body=TextRule(maximum=1000, unit=Unit.CHARACTER),
        reconcile=Reconcile.BLIND,
        read_lag=timedelta(),
    )

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        return RemoteAccount(id=credentials["account"], name="blind")

    async def publish(self, request: PublishRequest) -> Outcome:
        calls = PlatformCalls(
            http=self.http, base_url=self.base_url, read_error=lambda response, body: None, rules={}
        )
        sent = {"account": request.credentials.account_id, "text": request.message.text}
        body = await calls.call("POST", SEND, once=True, json=sent)
        return Published(external_id=body["id"])
