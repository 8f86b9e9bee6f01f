"""Accounts, app passwords and sessions: real HS256 tokens that expire by the sandbox's clock."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from drumtower.sandbox.bluesky.xrpc import Call, Refused, invalid
from drumtower.sandbox.store import Record, Store

SERVICE = "did:web:localhost"
ACCESS_LIFE = timedelta(minutes=120)
REFRESH_LIFE = timedelta(days=90)
# A refresh token that was used goes on working for this long, and always gives the same successor.
GRACE = timedelta(hours=2)
CLOSED = ("takendown", "suspended")
_TYPES = {"com.atproto.refresh": "refresh+jwt", "com.atproto.appPass": "at+jwt"}


class Sessions:
    """Who may log in, and with which tokens."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def create(self, call: Call) -> dict[str, Any]:
        """com.atproto.server.createSession."""
        identifier, password = call.need("identifier").lower(), call.need("password")
        call.draw((f"session:{identifier}", 1))
        account = self.account(identifier)
        if account is None or not _is_password(self._store.get("_logins", account["id"]), password):
            raise Refused(401, "AuthenticationRequired", "Invalid identifier or password")
        if account["status"] in CLOSED:
            raise Refused(401, "AccountTakedown", "Account has been taken down")
        return self._session(account, jti=secrets.token_urlsafe(32))

    async def refresh(self, call: Call) -> dict[str, Any]:
        """com.atproto.server.refreshSession: the same refresh token may be used again within the grace period."""
        claims = self.claims(call, "com.atproto.refresh")
        account = self.account(claims["sub"])
        if account is None or account["status"] in CLOSED:
            raise Refused(401, "AccountTakedown", "Account has been taken down")
        kept = self._store.get("_refresh", claims["jti"])
        if kept is None or kept["expires_at"] <= self._now().timestamp():
            raise invalid("Token has been revoked", "ExpiredToken")
        end = (self._now() + GRACE).timestamp()
        following = kept["next"] or secrets.token_urlsafe(32)
        rotated = kept | {"next": following, "expires_at": min(end, kept["expires_at"])}
        self._store.put("_refresh", claims["jti"], rotated)
        return self._session(account, jti=following)

    async def delete(self, call: Call) -> None:
        """com.atproto.server.deleteSession; an expired refresh token will do."""
        claims = self.claims(call, "com.atproto.refresh", expired=True)
        self._store.delete("_refresh", claims["jti"])

    async def get(self, call: Call) -> dict[str, Any]:
        """com.atproto.server.getSession."""
        account = self.account(call.did)
        assert account is not None
        return self._view(account)

    def authorize(self, call: Call) -> None:
        """Read the access token."""
        call.did = self.claims(call, "com.atproto.appPass")["sub"]

    def account(self, identifier: str) -> Record | None:
        """Return the account with this DID, handle or e-mail address."""
        known = self._store.get("_identifiers", identifier.lower())
        return self._store.get("accounts", known["did"]) if known else None

    def claims(self, call: Call, scope: str, *, expired: bool = False) -> Mapping[str, Any]:
        """Verify the bearer token and return what it says."""
        header, claims = self._verified(_bearer(call))
        if claims["exp"] <= self._now().timestamp() and not expired:
            raise invalid("Token has expired", "ExpiredToken")
        if header["typ"] != _TYPES[scope]:
            raise invalid("Invalid token type", "InvalidToken")
        return claims

    def _verified(self, token: str) -> tuple[Record, Record]:
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(signed), signature):
            raise invalid("Token could not be verified", "InvalidToken")
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in signed.split("."))
        return header, claims

    def _session(self, account: Record, *, jti: str) -> dict[str, Any]:
        end = int((self._now() + REFRESH_LIFE).timestamp())
        if self._store.get("_refresh", jti) is None:
            self._store.put(
                "_refresh", jti, {"jti": jti, "did": account["id"], "expires_at": end, "next": None}
            )
        access = {"scope": "com.atproto.appPass", "exp": int((self._now() + ACCESS_LIFE).timestamp())}
        refresh = {"scope": "com.atproto.refresh", "jti": jti, "exp": end}
        tokens = {"accessJwt": self._jwt(account, access), "refreshJwt": self._jwt(account, refresh)}
        return tokens | self._view(account)

    def _jwt(self, account: Record, claims: Record) -> str:
        issued = {"aud": SERVICE, "sub": account["id"], "iat": int(self._now().timestamp())}
        header = {"typ": _TYPES[claims["scope"]], "alg": "HS256"}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims | issued))
        return f"{signed}.{self._sign(signed)}"

    def _sign(self, text: str) -> str:
        kept = self._store.get("_secrets", "jwt")
        if kept is None:
            kept = {"key": secrets.token_hex(32)}
            self._store.put("_secrets", "jwt", kept)
        return _encoded(hmac.new(bytes.fromhex(kept["key"]), text.encode(), hashlib.sha256).digest())

    def _view(self, account: Record) -> dict[str, Any]:
        status = {"status": account["status"]} if account["status"] else {}
        names = {"did": account["id"], "handle": account["name"], "email": account["email"]}
        return {**names, "emailConfirmed": False, "active": not account["status"], **status}


def _bearer(call: Call) -> str:
    parts = call.request.headers.get("authorization", "").split(" ")
    if parts == [""]:
        raise Refused(401, "AuthMissing", "Authentication Required")
    if len(parts) != 2:
        raise invalid("Malformed authorization header", "InvalidToken")
    if parts[0].lower() != "bearer":
        raise invalid("Unexpected authorization type", "InvalidToken")
    return parts[1]


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _is_password(login: Record | None, password: str) -> bool:
    return login is not None and any(
        hmac.compare_digest(known.encode(), password.encode()) for known in login["passwords"]
    )
