"""Sign-in by GET: consent, codes of two minutes, refresh tokens that are void once they were used."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.kuaishou.state import ACCESS, CODE_LIFE, REFRESH, Refused, State
from drumtower.sandbox.store import Record

Query = Mapping[str, str]


class SignIn:
    """Each method answers one query."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/oauth2/authorize", self._consent),
            Route("/oauth2/access_token", _query(self._exchange)),
            Route("/oauth2/refresh_token", _query(self._refresh)),
        ]

    async def _consent(self, request: Request) -> Response:
        asked = request.query_params
        try:
            app = self._state.app(asked.get("app_id", ""))
        except Refused as refused:
            return refused.answer()
        has = self._state.account(app["account"])["scopes"].split(",")
        given = ",".join(one for one in asked.get("scope", "").split(",") if one in has)
        code, ends = secrets.token_hex(16), (self._state.now() + CODE_LIFE).isoformat()
        about = {"app": app["app_id"], "account": app["account"], "scopes": given, "expires_at": ends}
        self._state.store.put("_codes", code, about)
        query = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", status_code=302)

    def _app(self, query: Query, grant: str) -> Record:
        app = self._state.app(query.get("app_id", ""))
        if app["app_secret"] != query.get("app_secret") or query.get("grant_type") != grant:
            raise Refused(100200101)
        return app

    def _exchange(self, query: Query) -> Record:
        app = self._app(query, "authorization_code")
        code = self._state.store.get("_codes", query.get("code", ""))
        if code is None or code["app"] != app["app_id"] or self._state.is_over(code):
            raise Refused(100200105)
        self._state.store.delete("_codes", query["code"])
        ends = (self._state.now() + REFRESH).isoformat()
        answer = self._answer(code["account"], code["scopes"], ends)
        return answer | {"open_id": code["account"]}

    def _refresh(self, query: Query) -> Record:
        self._app(query, "refresh_token")
        refresh = query.get("refresh_token", "")
        kept = self._state.store.get("_refresh", refresh)
        if kept is None or self._state.is_over(kept):
            raise Refused(100200113)
        self._state.store.delete("_refresh", refresh)
        return self._answer(kept["account"], kept["scopes"], kept["expires_at"])

    def _answer(self, account: str, scopes: str, ends: str) -> Record:
        refresh = f"ChJvYXV0aC5yZWZyZXNoVG9rZW4{secrets.token_urlsafe(24)}"
        kept = {"token": refresh, "account": account, "scopes": scopes, "expires_at": ends}
        self._state.store.put("_refresh", refresh, kept)
        left = int((datetime.fromisoformat(ends) - self._state.now()).total_seconds())
        return {
            "access_token": self._state.issue(account, scopes),
            "expires_in": int(ACCESS.total_seconds()),
            "refresh_token": refresh,
            "refresh_token_expires_in": left,
            "scopes": scopes.split(","),
        }


def _query(act: Callable[[Query], Record]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse({"result": 1, **act(request.query_params)})
        except Refused as refused:
            return refused.answer()

    return endpoint
