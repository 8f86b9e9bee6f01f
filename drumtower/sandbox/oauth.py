"""An OAuth 2 server for sandboxes: consent at once, codes that work once, PKCE, scopes, three ways to refresh."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.store import Record, Store

CODE_LIFE = timedelta(minutes=10)


class Spending(StrEnum):
    """What a refresh does to the refresh token."""

    NONE = "none"
    KEPT = "kept"
    ROTATED = "rotated"


class OAuthRefused(Exception):
    """The standard's error code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthServer:
    """Keeps apps, codes and tokens in the platform's store, as `_apps`, `_codes` and `_tokens`.

    An app: id, secret, redirect_uri, account, and `grants`, the scopes that its user agrees to (None: all asked for).
    """

    store: Store
    now: Callable[[], datetime]
    life: timedelta | None = timedelta(hours=2)
    refresh_life: timedelta = timedelta(days=30)
    spending: Spending = Spending.NONE
    pkce: bool = False
    refresh_ends: str = "refresh_expires_in"  # what the answer calls the refresh token's life

    def routes(self, authorize: str, token: str) -> list[BaseRoute]:
        return [Route(authorize, self._authorize), Route(token, self._token, methods=["POST"])]

    def add_app(self, account: str, **app: Any) -> Record:
        """Register an app; its one user is `account`."""
        made = {
            "id": secrets.token_hex(8),
            "secret": secrets.token_hex(16),
            "redirect_uri": None,
            "grants": None,
        }
        made |= {"account": account, **app}
        self.store.put("_apps", str(made["id"]), made)
        return made

    def issue(self, account: str, scope: str) -> str:
        """Make an access token without any flow, as a settings page does."""
        token = secrets.token_urlsafe(24)
        self.store.put("_tokens", token, {"account": account, "scope": scope, "expires_at": None})
        return token

    def account_of(self, token: str) -> Record | None:
        """Return the live token's record: account, scope."""
        found = self.store.get("_tokens", token)
        expires = found["expires_at"] if found else None
        return None if expires and datetime.fromisoformat(expires) <= self.now() else found

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        app = self.store.get("_apps", asked.get("client_id", ""))
        redirect = asked.get("redirect_uri", "")
        if (
            app is None
            or (app["redirect_uri"] not in (None, redirect))
            or asked.get("response_type") != "code"
        ):
            return JSONResponse({"error": "invalid_request"}, status_code=400)
        if self.pkce and asked.get("code_challenge_method") != "S256":
            return JSONResponse({"error": "invalid_request", "error_description": "PKCE"}, status_code=400)
        code = secrets.token_urlsafe(16)
        kept = {
            name: asked.get(name, "") for name in ("client_id", "redirect_uri", "code_challenge", "scope")
        }
        scope = kept["scope"] if app["grants"] is None else app["grants"]
        until = (self.now() + CODE_LIFE).isoformat()
        self.store.put(
            "_codes", code, kept | {"scope": scope, "account": app["account"], "expires_at": until}
        )
        query = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{redirect}?{query}", status_code=302)

    async def _token(self, request: Request) -> Response:
        async with request.form() as form:
            given = {name: str(value) for name, value in form.items()}
        try:
            app = self._app(given)
            if given.get("grant_type") == "refresh_token":
                return JSONResponse(self._refresh(given))
            return JSONResponse(self._exchange(given, app))
        except OAuthRefused as refused:
            status = 401 if str(refused) == "invalid_client" else 400
            return JSONResponse({"error": str(refused)}, status_code=status)

    def _app(self, given: Mapping[str, str]) -> Record:
        app = self.store.get("_apps", given.get("client_id", ""))
        if app is None or given.get("client_secret") != app["secret"]:
            raise OAuthRefused("invalid_client")
        return app

    def _exchange(self, given: Mapping[str, str], app: Record) -> Record:
        code = self.store.get("_codes", given.get("code", ""))
        if given.get("grant_type") != "authorization_code" or code is None:
            raise OAuthRefused("invalid_grant")
        self.store.delete("_codes", given["code"])
        same = code["client_id"] == app["id"] and code["redirect_uri"] == given.get("redirect_uri")
        late = datetime.fromisoformat(code["expires_at"]) <= self.now()
        if not same or late or not _verified(code["code_challenge"], given.get("code_verifier", "")):
            raise OAuthRefused("invalid_grant")
        return self._answer(code["account"], code["scope"], None)

    def _refresh(self, given: Mapping[str, str]) -> Record:
        old = self.store.get("_refresh", given.get("refresh_token", ""))
        if old is None or datetime.fromisoformat(old["expires_at"]) <= self.now():
            raise OAuthRefused("invalid_grant")
        if self.spending is Spending.ROTATED:
            self.store.delete("_refresh", given["refresh_token"])
            return self._answer(old["account"], old["scope"], None)
        return self._answer(old["account"], old["scope"], given["refresh_token"])

    def _answer(self, account: str, scope: str, kept: str | None) -> Record:
        token = self.issue(account, scope)
        until = (self.now() + self.life).isoformat() if self.life else None
        self.store.put("_tokens", token, {"account": account, "scope": scope, "expires_at": until})
        answer: Record = {"access_token": token, "token_type": "Bearer", "scope": scope}
        answer |= {"created_at": int(self.now().timestamp())}
        answer |= {"expires_in": int(self.life.total_seconds())} if self.life else {}
        if self.spending is Spending.NONE:
            return answer
        return answer | self._refresh_part(account, scope, kept)

    def _refresh_part(self, account: str, scope: str, kept: str | None) -> Record:
        name, ends = kept or secrets.token_urlsafe(24), self.now() + self.refresh_life
        if kept is None:
            record = {"account": account, "scope": scope, "expires_at": ends.isoformat()}
            self.store.put("_refresh", name, record)
        else:
            ends = datetime.fromisoformat((self.store.get("_refresh", name) or {})["expires_at"])
        left = int((ends - self.now()).total_seconds())
        return {"refresh_token": name, self.refresh_ends: left}


def _verified(challenge: str, verifier: str) -> bool:
    if not challenge:
        return not verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
