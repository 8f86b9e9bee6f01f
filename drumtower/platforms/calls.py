"""The one way an adapter talks HTTP: a call in, JSON or a PlatformError out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from drumtower.domain import failures
from drumtower.platforms.errors import ErrorRule, PlatformError, failure_for, lost, retry_after
from drumtower.telemetry import mask

HttpClient = httpx.AsyncClient

# Raised before any byte of the request left: the platform can't have acted on it.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteError:
    """An error as the platform words it."""

    code: str
    said: str = ""
    after: timedelta | None = None  # when it may go again, where the body says so; headers come first


ErrorReader = Callable[[httpx.Response, Any], RemoteError | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformCalls:
    """Makes calls to one platform and reads its error table.

    `read_error(response, body)` finds the platform's error in an answer, None where there is none; it sees HTTP
    200 answers too, because some platforms report errors with it. `body` is None where the answer is no JSON.
    """

    http: HttpClient = field(repr=False)
    base_url: str
    read_error: ErrorReader
    rules: Mapping[str, ErrorRule]
    secrets: tuple[str, ...] = field(default=(), repr=False)  # cut out of what the platform says
    # Answer headers to read as fields: header -> name; with "location", a redirect is an answer.
    fields: Mapping[str, str] = field(default_factory=dict)
    bodyless: bool = False  # a success without content says all by its status

    async def call(self, method: str, path: str, *, once: bool, **request: Any) -> Any:
        """Return the JSON of a successful answer. `once`: a repeat could publish twice, so no proof means unknown.

        A once-call is a POST: HTTP clients may repeat other methods by themselves on a connection that went stale.

        `request` goes to httpx as it is (params, json, content, data, files, headers).
        """
        if once and method != "POST":
            raise ValueError(f"{method} may be repeated by the HTTP client; a once-call must be a POST")
        try:
            response = await self.http.request(method, self.base_url.rstrip("/") + path, **request)
        except NOT_SENT as error:
            raise PlatformError(failures.Transient(detail=f"not sent: {type(error).__name__}")) from error
        except httpx.HTTPError as error:
            raise PlatformError(lost(f"no answer: {type(error).__name__}", once=once)) from error
        return self._read(response, once=once)

    def _read(self, response: httpx.Response, *, once: bool) -> Any:
        body = self._body(response)
        error = self._error(response, body)
        if error is not None and error.code in self.rules:
            raise PlatformError(self._listed(error, response, once=once))
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            until = retry_after(response.headers, datetime.now(UTC))
            raise PlatformError(failures.RateLimited(detail="HTTP 429", platform_code="429", until=until))
        # A redirect is an answer to whoever asked for its address; it is never followed from here.
        answered = response.is_success or (response.has_redirect_location and "location" in self.fields)
        if answered and error is None and body is not None:
            return body
        raise PlatformError(_unlisted(response, error, once=once))

    def _body(self, response: httpx.Response) -> Any:
        """Return the JSON; "no content", a deletion without words, or one that says all in its headers is empty."""
        body = _json(response)
        told = {
            name: value for header, name in self.fields.items() if (value := response.headers.get(header))
        }
        silent = told or response.status_code == httpx.codes.NO_CONTENT or response.request.method == "DELETE"
        silent = silent or self.bodyless
        if body is None and ((silent and not response.content) or response.has_redirect_location):
            body = {}
        return {**body, **told} if isinstance(body, dict) else body

    def _error(self, response: httpx.Response, body: Any) -> RemoteError | None:
        error = self.read_error(response, body)
        if error is None:
            return None
        said = error.said
        for secret in sorted({*self.secrets} - {""}, key=len, reverse=True):
            said = said.replace(secret, "***")
        return replace(error, said=said)

    def _listed(self, error: RemoteError, response: httpx.Response, *, once: bool) -> failures.Failure:
        now = datetime.now(UTC)
        failure = failure_for(self.rules[error.code], error.code, once=once, said=mask(error.said), now=now)
        until = retry_after(response.headers, now) or (now + error.after if error.after else None)
        if isinstance(failure, failures.RateLimited) and until is not None:
            return failures.RateLimited(
                detail=failure.detail, platform_code=error.code, until=until, scope=failure.scope
            )
        return failure


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _unlisted(response: httpx.Response, error: RemoteError | None, *, once: bool) -> failures.Failure:
    code = error.code if error else str(response.status_code)
    detail = f"HTTP {response.status_code} with an answer that proves nothing"
    if error:
        detail = f"HTTP {response.status_code}, unlisted code {code}: {mask(error.said)[:300]}"
    if response.is_client_error and not once:
        return failures.ContentRejected(detail=detail, platform_code=code)
    return lost(detail, once=once, code=code)
