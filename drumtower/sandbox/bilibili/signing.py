"""Sign-in and signed calls: `gourl` instead of redirect_uri, refresh tokens that work once, and who may call what.

UNVERIFIED: in which order a call's faults are found; chosen here as the numbers suggest.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.bilibili.state import ACCESS, CODE_LIFE, Refused, State, wrapped
from drumtower.sandbox.store import Record

TOLERANCE = 600  # seconds
_TOKENS = "/x/account-oauth2/v1"
NEEDED = (
    "accesskeyid",
    "content-md5",
    "signature-method",
    "signature-nonce",
    "signature-version",
    "timestamp",
)


def app_of_call(state: State, request: Request, body: bytes) -> Record:
    """Return the app whose signature a call bears."""
    given = {f"x-bili-{name}": request.headers.get(f"x-bili-{name}", "") for name in NEEDED}
    if not all(given.values()) or "authorization" not in request.headers:
        raise Refused(4000, "header")
    kind = request.headers.get("content-type", "")
    form = kind.startswith("multipart/form-data; boundary=")
    stamp = given["x-bili-timestamp"]
    faults = {
        4005: given["x-bili-signature-method"] != "HMAC-SHA256",
        4006: given["x-bili-signature-version"] != "2.0",
        4007: not form and kind != "application/json",
        4009: request.headers.get("accept") != "application/json",
        4003: not stamp.isdecimal() or abs(int(stamp) - _clock(state)) > TOLERANCE,
        4004: state.store.get("_nonces", given["x-bili-signature-nonce"]) is not None,
        4008: given["x-bili-content-md5"]
        != hashlib.md5(b"" if form else body, usedforsecurity=False).hexdigest(),
    }
    for code, found in faults.items():
        if found:
            raise Refused(code)
    app = state.app(given["x-bili-accesskeyid"])
    lines = "\n".join(f"{name}:{given[name]}" for name in sorted(given)).encode()
    expected = hmac.new(app["app_secret"].encode(), lines, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers["authorization"]):
        raise Refused(4002, "signature")
    state.store.put("_nonces", given["x-bili-signature-nonce"], {"app": app["client_id"]})
    return app


def _clock(state: State) -> float:
    """The real clock, even where the platform's own is moved ahead: nobody's calls die of that."""
    return time.time() + float(state.settings()["clock_skew"])


class SignIn:
    """Each method answers one request."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/pc/account-pc/auth/oauth", self._consent),
            Route(f"{_TOKENS}/token", self._asked(self._exchange), methods=["POST"]),
            Route(f"{_TOKENS}/refresh_token", self._asked(self._refresh), methods=["POST"]),
        ]

    async def _consent(self, request: Request) -> Response:
        asked = request.query_params
        try:
            app = self._state.app(asked.get("client_id", ""))
        except Refused as refused:
            return refused.answer()
        code, ends = secrets.token_hex(16), (self._state.now() + CODE_LIFE).isoformat()
        about = {"client_id": app["client_id"], "account": app["account"], "expires_at": ends}
        self._state.store.put("_codes", code, about)
        query = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{asked['gourl']}?{query}", status_code=302)

    def _asked(self, act: Callable[[Mapping[str, str]], Record]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            async with request.form() as form:
                given = {**request.query_params, **{name: str(value) for name, value in form.items()}}
            try:
                app = self._state.app(given.get("client_id", ""))
                if app["app_secret"] != given.get("client_secret"):
                    raise Refused(122001, "client_secret")
                return JSONResponse(wrapped(act(given)))
            except Refused as refused:
                return refused.answer()

        return endpoint

    def _exchange(self, given: Mapping[str, str]) -> Record:
        code = self._state.store.get("_codes", given.get("code", ""))
        if code is None or code["client_id"] != given["client_id"] or self._state.is_over(code):
            raise Refused(122002, "code")
        self._state.store.delete("_codes", given["code"])
        return self._answer(code["account"])

    def _refresh(self, given: Mapping[str, str]) -> Record:
        kept = self._state.store.get("_refresh", given.get("refresh_token", ""))
        if kept is None or self._state.is_over(kept):
            raise Refused(122007, "refresh_token")
        self._state.store.delete("_refresh", given["refresh_token"])
        return self._answer(kept["account"])

    def _answer(self, openid: str) -> Record:
        """A new pair; `expires_in` is the epoch second of its end."""
        scopes, refresh = self._state.account(openid)["scopes"], secrets.token_urlsafe(24)
        ends = self._state.now() + ACCESS
        self._state.store.put("_refresh", refresh, {"account": openid, "expires_at": ends.isoformat()})
        return {
            "access_token": self._state.issue(openid, scopes),
            "expires_in": int(ends.timestamp()),
            "refresh_token": refresh,
            "scopes": scopes.split(","),
        }
