"""The control plane's ground: acts as endpoints, and those that every platform has."""

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.pushes import Pusher
from drumtower.sandbox.state import Refusal, SandboxState
from drumtower.sandbox.store import Record

Act = Callable[[Record], Any]
S = TypeVar("S", bound=SandboxState)
P = TypeVar("P", bound=Pusher)


def control_routes(acts: Mapping[str, Act]) -> list[BaseRoute]:
    """`POST /control/{name}` for each act; its body is the request's JSON, what it returns (or awaits) the answer.

    A Refusal is a 404, a PermissionError a 409, a body that does not fit a 422.
    """
    return [Route(f"/control/{name}", _endpoint(act), methods=["POST"]) for name, act in acts.items()]


def _endpoint(act: Act) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        try:
            done = act(await request.json())
            return JSONResponse(await done if isawaitable(done) else done)
        except Refusal as refused:
            return JSONResponse({"error": str(refused)}, status_code=404)
        except PermissionError as closed:
            return JSONResponse({"error": str(closed)}, status_code=409)
        except (KeyError, ValueError, TypeError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=422)

    return endpoint


class ControlPlane(Generic[S, P]):
    """What people do on a platform that pushes; `acts` adds the platform's own, each a method that takes a body."""

    def __init__(self, state: S, pusher: P) -> None:
        self.state = state
        self.pusher = pusher

    def acts(self) -> Mapping[str, Act]:
        """By path: `public/…` for the public, the rest for the platform's staff."""
        return {}

    def routes(self) -> list[BaseRoute]:
        shared: dict[str, Act] = {"settings": self._settings, "token": self._token, "webhook": self._webhook}
        return control_routes({**shared, **self.acts()})

    def _settings(self, body: Record) -> Record:
        self.state.set(**body)
        return self.state.settings()

    def _token(self, body: Record) -> Record:
        """`{"token", "action": "expire" | "revoke"}`."""
        token = self.state.found("_tokens", str(body["token"]))
        changes: Record = {
            "revoke": {"revoked": True},
            "expire": {"expires_at": self.state.now().isoformat()},
        }
        self.state.store.put("_tokens", body["token"], token | changes[body["action"]])
        return {}

    async def _webhook(self, body: Record) -> Record:
        """`{"account", "url"}`: as in the platform's console, an address that fails its check is not taken."""
        account, url = self.state.account(str(body["account"]))["id"], str(body["url"])
        verified = await self.pusher.check(account, url)
        if verified:
            self.state.store.put("webhooks", account, {"account": account, "url": url})
        return {"verified": verified}

    def follow(self, body: Record) -> Record:
        """`{"account", "count"?}`."""
        account = self.state.account(str(body["account"]))
        grown = account | {"followers": account["followers"] + int(body.get("count", 1))}
        self.state.store.put("accounts", account["id"], grown)
        return {}

    def grow(self, counter: str) -> Act:
        """Make the act `{"post", "count"?}` that adds to a post's counter."""

        def grown(body: Record) -> Record:
            post = self.state.post(str(body["post"]))
            more = {counter: post[counter] + int(body.get("count", 1))}
            self.state.store.put("posts", post["id"], post | more)
            return {}

        return grown

    def uncounted(self, body: Record) -> Record:
        """`{"post"}`: something that the platform tells nobody."""
        self.state.post(str(body["post"]))
        return {}

    def remove(self, collection: str, name: str) -> Act:
        """Make the act that takes down what the body's `name` names."""

        def removed(body: Record) -> Record:
            row = self.state.found(collection, str(body[name]))
            self.state.store.put(collection, row["id"], row | {"deleted": True})
            return {}

        return removed
