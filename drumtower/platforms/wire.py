"""How a platform talks: where its errors stand and where the token goes, as data; and calls made from that.

An adapter declares one `Wire` and asks `self.api(credentials)` for calls. Whatever the platform says about an error is
shown without the account's secrets.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from drumtower.platforms.answers import read
from drumtower.platforms.calls import ErrorReader, HttpClient, PlatformCalls, RemoteError
from drumtower.platforms.errors import ErrorRule

T = TypeVar("T")
LONGEST_CODE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Where an error stands in an answer's JSON. Paths have dots; the first that holds something counts.

    `fine` are codes that are no errors; where one stands, the next path is looked at. `status`: an error answer (4xx,
    5xx) without any such code has its HTTP status for one.
    """

    code: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    fine: frozenset[str] = frozenset({"0"})
    status: bool = False

    def __call__(self, response: httpx.Response, body: Any) -> RemoteError | None:
        codes = [code for path in self.code if (code := text_at(body, path))]
        code = next((code for code in codes if code not in self.fine), None)
        if code is None and not codes and self.status and response.is_error:
            code = str(response.status_code)
        if code is None:
            return None
        return RemoteError(code=code[:LONGEST_CODE], said=_first(body, self.said) or "")


def _first(body: Any, paths: tuple[str, ...]) -> str | None:
    return next((text for path in paths if (text := text_at(body, path))), None)


def text_at(body: Any, path: str) -> str | None:
    """Return the text or number at a dotted path of a JSON answer; None where there is none."""
    found = at(body, path)
    usable = isinstance(found, str | int) and not isinstance(found, bool)
    return str(found) if usable else None


def at(body: Any, path: str) -> Any:
    """Return what stands at a dotted path of a JSON answer; None where there is nothing."""
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlace:
    """Where the token goes: into a header as `form`, or (`header` None) into the query parameter `name`."""

    header: str | None = "Authorization"
    form: str = "Bearer {}"
    name: str = "access_token"

    def put(self, token: str) -> dict[str, dict[str, str]]:
        if not token:
            return {}
        if self.header is None:
            return {"params": {self.name: token}}
        return {"headers": {self.header: self.form.format(token)}}


BEARER = TokenPlace()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One platform's way of talking."""

    errors: Mapping[str, ErrorRule]
    read_error: ErrorReader
    token: TokenPlace = BEARER
    path: str = "{}"  # from a call's name to its path, as "/2/{}.json"
    headers: Mapping[str, str] = field(default_factory=dict)  # on every call
    # Answer headers to read as fields: header -> name; with "location", a redirect is an answer.
    fields: Mapping[str, str] = field(default_factory=dict)
    bodyless: bool = False  # a success without content says all by its status
    quiet: bool = False  # nothing of the platform's own words is repeated


# Headers that sign one call, over the bytes of its body; None: a form with files, whose bytes are not known yet.
Signer = Callable[[bytes | None], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One account's calls. An answer comes back in the `shape` asked for."""

    calls: PlatformCalls
    wire: Wire
    token: str = field(default="", repr=False)
    sign: Signer | None = field(default=None, repr=False)

    async def get(self, name: str, shape: type[T], **params: Any) -> T:
        """Ask; nothing changes by it. A parameter that is None is left out, one that is a list is repeated."""
        return await self.send("GET", name, shape, params=params)

    async def post(
        self, name: str, shape: type[T], body: Any = None, *, once: bool = False, **params: Any
    ) -> T:
        """Post JSON (or nothing). `once`: a repeat would be seen in public."""
        sent: dict[str, Any] = {"params": params}
        if body is not None:
            # Some platforms refuse \\u escapes; lone surrogates could not be sent at all.
            sent["content"] = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
            sent["headers"] = {"Content-Type": "application/json; charset=utf-8"}
        return await self.send("POST", name, shape, once=once, **sent)

    async def send(self, method: str, name: str, shape: type[T], *, once: bool = False, **request: Any) -> T:
        """Send what httpx takes: data, files, content, params, headers."""
        for part in ("headers", "params"):
            given = {**self.wire.token.put(self.token).get(part, {}), **(request.get(part) or {})}
            request[part] = {key: value for key, value in given.items() if value is not None}
        request["headers"] = {**self.wire.headers, **request["headers"]}
        if self.sign is not None:
            request["headers"] |= self.sign(None if "files" in request else request.get("content", b""))
        if not request["params"]:
            del request["params"]  # an empty set would take the path's own query away
        answer = await self.calls.call(method, self.wire.path.format(name), once=once, **request)
        return read(shape, answer, once=once)


def connect(
    http: HttpClient, base_url: str, wire: Wire, *, token: str = "", secrets: tuple[str, ...] = ()
) -> Api:
    """Make one account's calls; `token` and `secrets` are cut out of whatever the platform says."""
    calls = PlatformCalls(
        http=http,
        base_url=base_url,
        read_error=_Quiet(wire.read_error) if wire.quiet else wire.read_error,
        rules=wire.errors,
        secrets=(token, *secrets),
        fields=wire.fields,
        bodyless=wire.bodyless,
    )
    return Api(calls=calls, wire=wire, token=token)


@dataclass(frozen=True, slots=True)
class _Quiet:
    """Reads the code and forgets the words: the request carried a password."""

    read_error: ErrorReader

    def __call__(self, response: httpx.Response, body: Any) -> RemoteError | None:
        error = self.read_error(response, body)
        return RemoteError(code=error.code) if error else None
