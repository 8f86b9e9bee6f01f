"""OAuth 2, run from an adapter's data: the address to send a person to, the code's exchange, the token's renewal.

RFC 6749 with PKCE (RFC 7636, S256). What is shown of a failure never holds the platform's own words: they could repeat
a secret. Asked of the platform once each: a code is spent by its first use.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from drumtower.domain import failures
from drumtower.platforms.auth import OAuth2, Refresh, TokenAnswer
from drumtower.platforms.base import Adapter, TokenSource
from drumtower.platforms.calls import ErrorReader, RemoteError
from drumtower.platforms.errors import ErrorRule, Meaning, PlatformError, lost
from drumtower.platforms.moments import epoch
from drumtower.platforms.outcomes import Credentials, Token
from drumtower.platforms.wire import Envelope, Wire, at, connect, text_at

GIVEN_BY_HAND = "access_token"
GIVEN_SCOPES = "scopes"
_ABSOLUTE = 10**9  # as a life in seconds this would be 31 years
_LONGEST_TOKEN = 8192
_LONGEST_LIFE = 10  # digits
_STANDARD = {
    "invalid_grant": ErrorRule(
        meaning=Meaning.DISCONNECTED, detail="the code or refresh token is spent or not valid"
    ),
    "invalid_client": ErrorRule(meaning=Meaning.DISCONNECTED, detail="the app's id or secret is wrong"),
    "unauthorized_client": ErrorRule(meaning=Meaning.DISCONNECTED, detail="the app may not use this flow"),
    "invalid_scope": ErrorRule(meaning=Meaning.DISCONNECTED, detail="the platform knows no such scope"),
    "invalid_request": ErrorRule(meaning=Meaning.DISCONNECTED, detail="the platform refuses the request"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One authorisation, as it was begun: what its end must match."""

    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(default="", repr=False)  # "" where the platform offers no PKCE


def challenge(verifier: str) -> str:
    """Return the S256 code challenge."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def address(adapter: Adapter, url: str) -> str:
    """Return where a declared URL is on the adapter's server: another server has all of it under its own address."""
    if adapter.base_url == adapter.default_base_url.rstrip("/"):
        return url
    return adapter.base_url + urlsplit(url).path


def authorize_url(adapter: Adapter, auth: OAuth2, values: Mapping[str, str], asked: Asked) -> str:
    """Return where the person agrees."""
    names = auth.parameters
    query = {
        "response_type": "code",
        names.client_id: values[auth.app_id],
        names.redirect_uri: asked.redirect_uri,
        "state": asked.state,
    }
    if asked_for := scopes(auth, values):
        query[names.scope] = names.separator.join(asked_for)
    if asked.verifier:
        query |= {"code_challenge": challenge(asked.verifier), "code_challenge_method": "S256"}
    return f"{address(adapter, auth.authorize_url)}?{urlencode(query | dict(auth.authorize_parameters))}"


def scopes(auth: OAuth2, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the scopes to ask for: those without which there is no channel, and what else this app may have."""
    given = values.get(GIVEN_SCOPES, "").replace(",", " ").split()
    return tuple(dict.fromkeys((*auth.scopes, *(given or auth.optional_scopes))))


async def exchange(
    adapter: Adapter, auth: OAuth2, values: Mapping[str, str], code: str, asked: Asked
) -> Token:
    """Turn the code into a token; raise PlatformError (Disconnected) where it is spent, foreign or made up."""
    form = {"grant_type": "authorization_code", "code": code}
    form[auth.parameters.redirect_uri] = asked.redirect_uri
    if asked.verifier:
        form["code_verifier"] = asked.verifier
    return await _token(adapter, auth, values, auth.token_url, form)


def missing_scopes(auth: OAuth2, token: Token) -> tuple[str, ...]:
    """Return the scopes that were asked for and not given; a platform that names none gave all (RFC 6749, 5.1)."""
    return tuple(scope for scope in auth.scopes if token.scopes and scope not in token.scopes)


def renews(adapter: Adapter, credentials: Credentials) -> bool:
    """Say whether the core can get this channel's next token without a person."""
    if isinstance(adapter, TokenSource):
        return True
    refreshable = isinstance(adapter.auth, OAuth2) and adapter.auth.refresh is not Refresh.NONE
    return refreshable and credentials.token is not None and credentials.token.refresh is not None


async def renewed(adapter: Adapter, credentials: Credentials) -> Token:
    """Get the next token: bought by the adapter, or refreshed by the standard."""
    if isinstance(adapter, TokenSource):
        return await adapter.token(credentials)
    auth, old = adapter.auth, credentials.token
    if not isinstance(auth, OAuth2) or old is None or old.refresh is None:
        raise PlatformError(failures.Disconnected(detail="the platform gave nothing to renew the token with"))
    form = {"grant_type": "refresh_token", "refresh_token": old.refresh}
    new = await _token(adapter, auth, credentials.values, auth.refresh_url or auth.token_url, form)
    kept = auth.refresh is Refresh.KEPT or new.refresh is None
    token = replace(
        new,
        refresh=old.refresh if kept else new.refresh,
        refresh_expires_at=old.refresh_expires_at if kept else new.refresh_expires_at,
        scopes=new.scopes or old.scopes,
        account_id=new.account_id or old.account_id,
        extended=old.extended,
    )
    return await _extended(adapter, auth, credentials.values, token)


async def _extended(adapter: Adapter, auth: OAuth2, values: Mapping[str, str], token: Token) -> Token:
    """Give the refresh token a new end where it would not live until the next renewal; late, because it can be done
    a few times only. A platform that says no is not asked again."""
    extension, ends = auth.extension, token.refresh_expires_at
    next_renewal = token.expires_at - auth.renew_before if token.expires_at else None
    if extension is None or token.extended >= extension.times or ends is None or next_renewal is None:
        return token
    if ends > next_renewal:
        return token
    try:
        answer = await _ask(adapter, auth, values, extension.url, {"refresh_token": token.refresh or ""})
    except PlatformError as error:
        if isinstance(error.failure, failures.Transient | failures.RateLimited):
            raise
        return replace(token, extended=extension.times)
    refresh = text_at(answer, extension.answer.refresh)
    if not refresh or len(refresh) > _LONGEST_TOKEN:
        raise PlatformError(lost("the answer holds no refresh token", once=False))
    ends = _ends(text_at(answer, extension.answer.refresh_expires_in), datetime.now(UTC))
    return replace(token, refresh=refresh, refresh_expires_at=ends, extended=token.extended + 1)


def authorise_by(adapter: type[Adapter] | Adapter, token: Token | None) -> datetime | None:
    """Return by when a person must authorise again; None: the core renews it, or it does not end."""
    if token is None or not isinstance(adapter.auth, OAuth2):
        return None
    extension = adapter.auth.extension
    if token.refresh and extension is not None and token.extended < extension.times:
        return None
    return token.refresh_expires_at if token.refresh else token.expires_at


async def _token(
    adapter: Adapter, auth: OAuth2, values: Mapping[str, str], url: str, form: dict[str, str]
) -> Token:
    answer = await _ask(adapter, auth, values, url, form)
    return _read(auth.answer, answer, datetime.now(UTC))


async def _ask(
    adapter: Adapter, auth: OAuth2, values: Mapping[str, str], url: str, form: dict[str, str]
) -> dict[str, Any]:
    names = auth.parameters
    form |= {names.client_id: values[auth.app_id], names.client_secret: values.get(auth.app_secret, "")}
    place = urlsplit(address(adapter, url))
    wire = Wire(
        errors={**_STANDARD, **_expired_is_spent(adapter)}, read_error=_read_error(adapter), quiet=True
    )
    api = connect(adapter.http, f"{place.scheme}://{place.netloc}", wire)
    if auth.asks_by_get:
        return await api.send("GET", place.path, dict[str, Any], params=form)
    return await api.send("POST", place.path, dict[str, Any], data=form)


def _expired_is_spent(adapter: Adapter) -> dict[str, ErrorRule]:
    """The adapter's own table; where a code or refresh token has expired, only a person can mend it."""
    return {
        code: replace(rule, meaning=Meaning.DISCONNECTED) if rule.meaning is Meaning.AUTH_EXPIRED else rule
        for code, rule in adapter.wire.errors.items()
    }


def _read_error(adapter: Adapter) -> ErrorReader:
    standard = Envelope(code=("error",))

    def read(response: httpx.Response, body: Any) -> RemoteError | None:
        # The platform's own code says more, where it has one that we know.
        own, plain = adapter.wire.read_error(response, body), standard(response, body)
        known = own is not None and own.code in adapter.wire.errors
        return own if known or plain is None else plain

    return read


def _read(names: TokenAnswer, answer: Mapping[str, Any], now: datetime) -> Token:
    access = text_at(answer, names.access)
    if not access or len(access) > _LONGEST_TOKEN:
        raise PlatformError(lost("the answer holds no token", once=False))
    return Token(
        access=access,
        expires_at=_ends(text_at(answer, names.expires_in), now),
        refresh=text_at(answer, names.refresh),
        refresh_expires_at=_ends(text_at(answer, names.refresh_expires_in), now),
        scopes=_scopes(at(answer, names.scope)),
        account_id=text_at(answer, names.account) or "",
    )


def _scopes(given: Any) -> tuple[str, ...]:
    """Read scopes: text with spaces or commas between, or a list of words."""
    words = given if isinstance(given, list) else str(given or "").replace(",", " ").split()
    return tuple(word for word in words if isinstance(word, str))


def _ends(life: str | None, now: datetime) -> datetime | None:
    if life is None or not (life.isascii() and life.isdigit() and len(life) <= _LONGEST_LIFE):
        return None
    if int(life) > _ABSOLUTE:
        return epoch(life)
    return now + timedelta(seconds=int(life))
