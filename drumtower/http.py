"""The one HTTP client that leaves this process: the httpx API over aiohttp, with an address guard and exact errors.

httpx's own pool collapses at 100 connections, so aiohttp carries the bytes. The public httpx-aiohttp transport reports
"server closed the connection after the request was sent" as a connect time-out; we must know "never sent" from "maybe
acted on", so the mapping is ours (ADR 6).
"""

import io
import ipaddress
import logging
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from socket import AddressFamily
from typing import Any

import aiohttp
import httpx
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from drumtower.telemetry import mask

TIMEOUT = httpx.Timeout(connect=5.0, read=20.0, write=20.0, pool=5.0)
LARGEST_ANSWER = 8 * 1024 * 1024
CONNECTIONS = 200
# Shorter than any server's own limit, so that we do not send on a connection that is closing under us.
KEEPALIVE_SECONDS = 4.0
_CHUNK = 64 * 1024
_REFUSED_V6 = [
    ipaddress.ip_network(block) for block in ("64:ff9b::/96", "2002::/16", "fec0::/10", "5f00::/16")
]


# The monotonic instant after which nothing may leave any more: the holder of a lease sets it around its call.
deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class DeadlinePassed(httpx.ConnectError):
    """The lease ran out before the bytes could leave; nothing was sent."""


class AddressRefused(httpx.ConnectError):
    """The address is private, local or otherwise not for us; nothing was sent."""


class AnswerTooLarge(httpx.ReadError):
    """The answer is over the limit; what the platform did is not known."""


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet. Python's own flags miss NAT64, 6to4 and others."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if any(parsed in block for block in _REFUSED_V6):
            return False
    return parsed.is_global and not parsed.is_multicast


class _NotPublic(OSError):
    """A name resolves to nothing that is ours to reach."""


class _GuardedResolver(AbstractResolver):
    """Filters what a name resolves to, so that the address that was checked is the one that is dialled."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        public = [result for result in found if is_public(result["host"])]
        if not public:
            raise _NotPublic(f"{host} has no public address")
        return public

    async def close(self) -> None:
        await self._resolver.close()


@cache
def _certificates() -> ssl.SSLContext:
    # Reading the machine's certificates takes longer than a request.
    return ssl.create_default_context()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        with _httpx_errors():
            async for chunk in self._answer.content.iter_chunked(_CHUNK):
                size += len(chunk)
                if size > LARGEST_ANSWER:
                    raise AnswerTooLarge(f"the answer is over {LARGEST_ANSWER} bytes")
                yield chunk

    async def whole(self) -> bytes:
        """Read all of it."""
        try:
            return b"".join([chunk async for chunk in self])
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        self._answer.close() if not self._answer.content.at_eof() else self._answer.release()


class Transport(httpx.AsyncBaseTransport):
    """Carries httpx requests over one aiohttp session; made lazily, inside the running loop."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=CONNECTIONS,
                keepalive_timeout=KEEPALIVE_SECONDS,
                ssl=_certificates(),
                resolver=None if self._allow_private else _GuardedResolver(),
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
            )
        return self._session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.exchange(request)
        return httpx.Response(
            answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request
        )

    async def read(self, request: httpx.Request) -> httpx.Response:
        """Send it and read the answer; httpx's way through a stream costs as much as the call itself."""
        answer = await self.exchange(request)
        content = await _Body(answer).whole()
        return httpx.Response(answer.status, headers=answer.raw_headers, content=content, request=request)

    async def exchange(self, request: httpx.Request) -> aiohttp.ClientResponse:
        """Send it; return the answer as soon as its headers are here. Whoever takes it closes it."""
        if not self._allow_private:
            _check_literal(request.url.host)
        limits = request.extensions.get("timeout", {})
        body = await request.aread()
        limit = deadline.get()
        if limit is not None and time.monotonic() > limit:
            raise DeadlinePassed("the lease ran out before sending")
        words = request.headers.encoding  # one for all: asked of each by itself, it is found out anew
        with _httpx_errors():
            return await self._open().request(
                request.method,
                # As it was written: some platforms tell an escaped sign from a bare one.
                yarl.URL(str(request.url), encoded=True),
                headers=[(name.decode(words), value.decode(words)) for name, value in request.headers.raw],
                data=io.BytesIO(body) if body else None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=limits.get("pool"),
                    sock_connect=limits.get("connect"),
                    sock_read=limits.get("read"),
                ),
            )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


# A publish goes to the same address as the one before it, and httpx parses in Python.
_address = lru_cache(maxsize=1024)(httpx.URL)

# Where operators look for httpx's own line of a call, which `Client.send` takes the place of.
_LOG = logging.getLogger("httpx")


class Client(httpx.AsyncClient):
    """The httpx API without what httpx does on its own: redirects, authentication, and above all cookies.

    One client serves every account; a session of one must not go out with the call of another.
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport=transport, timeout=TIMEOUT, headers={"User-Agent": "Drumtower/0.1"})
        self._carrier = transport

    def build_request(self, method: str, url: httpx.URL | str, **given: Any) -> httpx.Request:
        """Build it as httpx does; an address that was read before is not read again."""
        return super().build_request(method, _address(url) if isinstance(url, str) else url, **given)

    async def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        """Send it and read the answer; with `stream`, leave that to the caller, who closes it."""
        carry = self._carrier.handle_async_request if stream else self._carrier.read
        response = await carry(request)
        _LOG.info("%s %s %s", request.method, request.url, response.status_code)
        return response


class _Masked(logging.Filter):
    """Every address is logged, and some platforms take their token there only."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                mask(str(value)) if isinstance(value, httpx.URL) else value for value in record.args
            )
        return True


_MASKED = _Masked()


def client(*, allow_private: bool = False) -> httpx.AsyncClient:
    """Make the client that adapters get. `allow_private` is for sandboxes and self-hosted servers only."""
    _LOG.addFilter(_MASKED)  # the same filter twice is one filter
    return Client(Transport(allow_private=allow_private))


def _check_literal(host: str) -> None:
    try:
        public = is_public(host)
    except ValueError:
        return  # a name: the resolver checks what it resolves to
    if not public:
        raise AddressRefused(f"{host} is no public address")


@contextmanager
def _httpx_errors() -> Iterator[None]:
    # Order matters: a connector error is a ClientOSError too, and only the former proves that nothing left.
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        if isinstance(getattr(error, "os_error", None), _NotPublic):
            raise AddressRefused(str(error)) from error
        raise httpx.ConnectError(str(error)) from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise httpx.UnsupportedProtocol(str(error)) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise httpx.ReadError(f"{type(error).__name__}: {error}") from error
