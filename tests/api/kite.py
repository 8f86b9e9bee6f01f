"""Kite: a platform of the tests with all that OAuth 2 offers: PKCE, scopes, three ways to refresh."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from drumtower.domain.capabilities import Capabilities, Label, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Adapter,
    Auth,
    Credentials,
    Envelope,
    Meaning,
    OAuth2,
    Outcome,
    Published,
    PublishRequest,
    Refresh,
    RemoteAccount,
    Wire,
    credential,
    error_table,
)
from drumtower.platforms.answers import Answer, Id
from drumtower.sandbox.oauth import OAuthServer, Spending
from drumtower.sandbox.platform import SandboxPlatform


class Me(Answer):
    """Whose token it is."""

    id: Id
    name: str


class Kite(Adapter):
    """Publishes nothing; it is here to be connected."""

    slug: ClassVar[str] = "kite"
    name: ClassVar[Label] = Label(zh_cn="风筝", en="Kite")
    default_base_url: ClassVar[str] = "https://kite.example"
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=(Kind.IMAGE_TEXT,), body=TextRule(maximum=100, unit=Unit.CHARACTER)
    )
    auth: ClassVar[Auth] = OAuth2(
        fields=(
            credential("client_id", "应用编号", "Client id", secret=False),
            credential("client_secret", "应用密钥", "Client secret"),
        ),
        authorize_url="https://login.kite.example/authorize",
        token_url="https://login.kite.example/token",
        scopes=("read", "write"),
        pkce=True,
        app_id="client_id",
        app_secret="client_secret",
        refresh=Refresh.ROTATED,
    )
    wire = Wire(
        errors=error_table({Meaning.AUTH_EXPIRED: {"401": "the token has ended"}}),
        read_error=Envelope(said=("error",), status=True),
    )

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        me = await self.api(credentials).get("/me", Me)
        return RemoteAccount(id=me.id, name=me.name)

    async def publish(self, request: PublishRequest) -> Outcome:
        return Published(external_id=request.idempotency_key)


class KiteSandbox(SandboxPlatform):
    """The sign-in, and who one is."""

    slug: ClassVar[str] = "kite"
    spending: Spending = Spending.ROTATED

    def routes(self) -> list[BaseRoute]:
        self.oauth = OAuthServer(
            store=self.store, now=self.now, spending=self.spending, pkce=True, life=timedelta(hours=2)
        )
        return [*self.oauth.routes("/authorize", "/token"), Route("/me", self._me)]

    def control_routes(self) -> list[BaseRoute]:
        return []

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        number = str(self.store.next_number("account", 100))
        self.store.put("accounts", number, {"id": number, "name": f"风筝{number}"})
        app = self.oauth.add_app(number, **account)
        return {"id": number, "client_id": app["id"], "client_secret": app["secret"]}

    async def _me(self, request: Request) -> JSONResponse:
        token = self.oauth.account_of(request.headers.get("authorization", "").removeprefix("Bearer "))
        if token is None:
            return JSONResponse({"error": "no"}, status_code=401)
        return JSONResponse(self.store.get("accounts", token["account"]))
