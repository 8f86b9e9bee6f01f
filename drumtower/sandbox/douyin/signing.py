"""Sign-in: consent, codes that work once, tokens, refresh tokens that are renewed five times, app tokens."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.douyin.state import (
    ACCESS,
    APP_TOKEN,
    CODE_LIFE,
    MOST_RENEWALS,
    REFRESH,
    State,
)
from drumtower.sandbox.douyin.wire import Refused, signing
from drumtower.sandbox.store import Record

Form = Mapping[str, str]


class SignIn:
    """Each method answers one form."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[BaseRoute]:
        forms: dict[str, Callable[[Form], Record]] = {
            "/oauth/access_token/": self._exchange,
            "/oauth/refresh_token/": self._refresh,
            "/oauth/renew_refresh_token/": self._renew,
            "/oauth/client_token/": self._app_token,
            "/oauth/userinfo/": self._person,
        }
        routes = [Route(path, _form(act), methods=["POST"]) for path, act in forms.items()]
        return [Route("/platform/oauth/connect/", self._consent), *routes]

    async def _consent(self, request: Request) -> Response:
        asked = request.query_params
        try:
            app = self._state.app(asked.get("client_key", ""))
        except Refused as refused:
            return JSONResponse({"error_code": refused.code}, status_code=400)
        account = self._state.account(app["account"])
        given = [one for one in asked.get("scope", "").split(",") if one in account["scopes"].split(",")]
        code = secrets.token_hex(16)
        ends = (self._state.now() + CODE_LIFE).isoformat()
        about = {
            "app": app["client_key"],
            "account": app["account"],
            "scopes": ",".join(given),
            "expires_at": ends,
        }
        self._state.store.put("_codes", code, about)
        query = urlencode({"code": code, "state": asked.get("state", ""), "scopes": ",".join(given)})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", status_code=302)

    def _exchange(self, form: Form) -> Record:
        self._checked_app(form)
        code = self._state.store.get("_codes", form.get("code", ""))
        if code is None or code["app"] != form["client_key"] or self._state.is_over(code):
            raise Refused(10007)
        self._state.store.delete("_codes", form["code"])
        ends = (self._state.now() + REFRESH).isoformat()
        refresh = f"rft.{secrets.token_hex(24)}"
        kept = {"account": code["account"], "scopes": code["scopes"], "expires_at": ends, "renewed": 0}
        return self._answer(refresh, kept, self._state.issue(code["account"], code["scopes"]))

    def _answer(self, refresh: str, kept: Record, access: str) -> Record:
        self._state.store.put("_refresh", refresh, kept | {"access": access, "token": refresh})
        left = int((datetime.fromisoformat(kept["expires_at"]) - self._state.now()).total_seconds())
        life: Record = {"expires_in": int(ACCESS.total_seconds()), "refresh_expires_in": left}
        if self._state.settings()["numbers_as_strings"]:
            life = {name: str(value) for name, value in life.items()}
        return {
            "access_token": access,
            "refresh_token": refresh,
            "open_id": kept["account"],
            "scope": kept["scopes"],
            **life,
        }

    def _refresh(self, form: Form) -> Record:
        """A token that is still good lives longer; one that has ended gives way to another."""
        refresh, kept = self._kept(form)
        old = self._state.store.get("_tokens", kept["access"])
        if old is None or self._state.is_over(old):
            return self._answer(refresh, kept, self._state.issue(kept["account"], kept["scopes"]))
        ends = (self._state.now() + ACCESS).isoformat()
        self._state.store.put("_tokens", old["token"], old | {"expires_at": ends})
        return self._answer(refresh, kept, old["token"])

    def _renew(self, form: Form) -> Record:
        refresh, kept = self._kept(form)
        if "renew_refresh_token" not in kept["scopes"].split(","):
            raise Refused(2190004)
        if kept["renewed"] >= MOST_RENEWALS:
            raise Refused(10020)
        self._state.store.delete("_refresh", refresh)
        new, ends = f"rft.{secrets.token_hex(24)}", (self._state.now() + REFRESH).isoformat()
        self._state.store.put(
            "_refresh", new, kept | {"token": new, "expires_at": ends, "renewed": kept["renewed"] + 1}
        )
        return {"refresh_token": new, "expires_in": int(REFRESH.total_seconds())}

    def _kept(self, form: Form) -> tuple[str, Record]:
        self._state.app(form.get("client_key", ""))
        refresh = form.get("refresh_token", "")
        kept = self._state.store.get("_refresh", refresh)
        if kept is None or self._state.is_over(kept):
            raise Refused(10010)
        return refresh, kept

    def _app_token(self, form: Form) -> Record:
        app = self._checked_app(form)
        token = f"clt.{secrets.token_hex(24)}"
        ends = (self._state.now() + APP_TOKEN).isoformat()
        self._state.store.put(
            "_app_tokens", app["client_key"], {"token": token, "expires_at": ends, "app": app["client_key"]}
        )
        return {"access_token": token, "expires_in": int(APP_TOKEN.total_seconds())}

    def _checked_app(self, form: Form) -> Record:
        app = self._state.app(form.get("client_key", ""))
        if app["client_secret"] != form.get("client_secret"):
            raise Refused(10013)
        return app

    def _person(self, form: Form) -> Record:
        account = self._state.authorised(form.get("access_token", ""), form.get("open_id", ""), "user_info")
        shown = {"open_id": account["id"], "union_id": account["union_id"], "nickname": account["nickname"]}
        return shown | {"avatar": "https://p3.douyinpic.example/a.jpeg", "e_account_role": "EAccountM"}


def _form(act: Callable[[Form], Record]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        async with request.form() as form:
            given = {name: str(value) for name, value in form.items()}
        try:
            return signing(act(given))
        except Refused as refused:
            return signing({}, refused.code, str(refused))

    return endpoint
