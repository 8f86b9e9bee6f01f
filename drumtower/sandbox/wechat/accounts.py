"""Accounts, their tokens and their followers."""

import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.store import Record
from drumtower.sandbox.wechat.ground import Ground, Refused, opaque, parsed

LIFE = timedelta(seconds=7200)
OVERLAP = timedelta(minutes=5)  # both the old and the new token work that long
FORCED_A_DAY, FORCED_APART = 20, timedelta(seconds=30)
FIRST_PAGE = 10_000
_LETTERS = string.ascii_letters + string.digits


class Accounts:
    """The registry of accounts and of the tokens that speak for them."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.store = ground.store

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/cgi-bin/stable_token", self._stable_token, methods=["POST"]),
            Route("/cgi-bin/token", self._plain_token),
            self.ground.call("/cgi-bin/user/get", self._followers, method="GET", verified=True),
        ]

    def open(self, *, name: str, profile: str, followers: int, encoding_aes_key: str | None) -> Record:
        """Open an account and return what its owner sees on the platform's settings page."""
        account = f"gh_{secrets.token_hex(6)}"
        key = (
            "".join(secrets.choice(_LETTERS) for _ in range(43))
            if encoding_aes_key is None
            else encoding_aes_key
        )
        secret = {
            "app_id": f"wx{secrets.token_hex(8)}",
            "app_secret": secrets.token_hex(16),
            "token": opaque(16).replace("-", "a").replace("_", "b"),
            "encoding_aes_key": key,
            "account": account,
        }
        self.store.put(
            "accounts", account, {"id": account, "name": name, "profile": profile, "followers": followers}
        )
        self.store.put("_secrets", account, secret)
        self.store.put("_apps", secret["app_id"], {"account": account})
        return secret

    def void_tokens(self, account: str) -> None:
        """Make every token of the account invalid, as a forced refresh elsewhere would."""
        for held in self._held(account):
            self.store.put("_tokens", held["token"], {**held, "void": True})

    def age_tokens(self, account: str, seconds: float) -> None:
        """Let the account's tokens grow older by that much; the control plane's clock leaves them alone."""
        for held in self._held(account):
            older = datetime.fromisoformat(held["expires_at"]) - timedelta(seconds=seconds)
            self.store.put("_tokens", held["token"], {**held, "expires_at": older.isoformat()})

    async def _stable_token(self, request: Request) -> Response:
        try:
            ask = parsed(await request.body())
            account = self._owner(ask.get("grant_type"), ask.get("appid"), ask.get("secret"))
            return JSONResponse(self._stable(account, force=ask.get("force_refresh") is True))
        except Refused as refused:
            return refused.answer()

    async def _plain_token(self, request: Request) -> Response:
        query = request.query_params
        try:
            account = self._owner(query.get("grant_type"), query.get("appid"), query.get("secret"))
        except Refused as refused:
            return refused.answer()
        self._shorten(account, stable=False)
        return JSONResponse(self._told(self._issue(account, stable=False)))

    def _owner(self, grant: Any, app_id: Any, secret: Any) -> str:
        if grant != "client_credential":
            raise Refused(40002, "invalid grant_type")
        app = self.store.get("_apps", str(app_id))
        if app is None:
            raise Refused(40013, "invalid appid")
        secrets_held = self.store.get("_secrets", app["account"])
        if secrets_held is None or secrets_held["app_secret"] != secret:
            raise Refused(40125, "invalid appsecret")
        return str(app["account"])

    def _stable(self, account: str, *, force: bool) -> Mapping[str, Any]:
        newest = self.store.get("_tokens", (self.store.get("_stable", account) or {"token": ""})["token"])
        if force and self._may_force(account):
            if newest:
                self.store.put("_tokens", newest["token"], {**newest, "void": True})
            newest = None
        if newest is None or newest["void"] or self._left(newest) <= OVERLAP:
            newest = self._issue(account, stable=True)
            self.store.put("_stable", account, {"token": newest["token"]})
        return self._told(newest)

    def _held(self, account: str) -> list[Record]:
        return [held for held in self.store.all("_tokens") if held["account"] == account]

    def _may_force(self, account: str) -> bool:
        now = datetime.now(UTC)
        forced = [
            datetime.fromisoformat(at) for at in (self.store.get("_forced", account) or {"at": []})["at"]
        ]
        recent = [at for at in forced if now - at < timedelta(days=1)]
        if len(recent) >= FORCED_A_DAY or any(now - at < FORCED_APART for at in recent):
            return False
        self.store.put("_forced", account, {"at": [at.isoformat() for at in [*recent, now]]})
        return True

    def _issue(self, account: str, *, stable: bool) -> Record:
        token = f"{len(self.store.all('_tokens'))}_{opaque(120)}"
        expires_at = (datetime.now(UTC) + LIFE).isoformat()
        held = {"token": token, "account": account, "stable": stable, "expires_at": expires_at, "void": False}
        self.store.put("_tokens", token, held)
        return held

    def _shorten(self, account: str, *, stable: bool) -> None:
        for held in self._held(account):
            if held["stable"] is stable and self._left(held) > OVERLAP:
                expires_at = (datetime.now(UTC) + OVERLAP).isoformat()
                self.store.put("_tokens", held["token"], {**held, "expires_at": expires_at})

    def _left(self, held: Record) -> timedelta:
        return datetime.fromisoformat(held["expires_at"]) - datetime.now(UTC)

    def _told(self, held: Record) -> Mapping[str, Any]:
        return {"access_token": held["token"], "expires_in": int(self._left(held).total_seconds())}

    def _followers(self, account: Record, _: Record) -> Mapping[str, Any]:
        known = [one["openid"] for one in self.store.all("_people") if one["account"] == account["id"]]
        page = known[:FIRST_PAGE]
        answer = {"total": account["followers"], "count": len(page), "next_openid": ""}
        return {**answer, "data": {"openid": page}} if page else answer
